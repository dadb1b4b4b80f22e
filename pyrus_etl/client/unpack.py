"""Unpacks compressed bodies as gunzip does."""

import zlib
from collections.abc import Iterator

from pyrus_etl.errors import BodyTooLarge

PACKED = {"gzip", "x-gzip", "deflate"}
LARGEST_PART = 1 << 26
GZIP_OR_ZLIB = 47


class Unpacker:
    """Unpacks a body that arrives in pieces: several members in a row, and zero bytes after them.

    aiohttp mistakes such zero bytes for a broken member. `feed` raises zlib.error if the bytes are not compressed.
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP_OR_ZLIB)
        self.is_complete = True

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Unpacks the piece, member by member; a result may be much longer than the piece."""
        while piece := piece.lstrip(b"\0") if self._member.eof else piece:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP_OR_ZLIB)
            yield self._member.decompress(piece, LARGEST_PART)
            if self._member.unconsumed_tail:
                raise BodyTooLarge(f"A small part of an answer unpacks to more than {LARGEST_PART >> 20} MiB.")
            piece = self._member.unused_data
        self.is_complete = self._member.eof
