"""Packed bodies, read as gunzip reads them."""

import zlib
from collections.abc import Iterator

from pyrus_etl.errors import BodyTooLarge

PACKED = {"gzip", "x-gzip", "deflate"}
LARGEST_PART = 1 << 26
GZIP_OR_ZLIB = 47


class Unpacker:
    """Unpacks a body that arrives in pieces: members one after the other, and zero bytes behind them.

    aiohttp takes such zero bytes for the beginning of a broken member. `feed` raises zlib.error for what is not packed.
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP_OR_ZLIB)
        self.is_complete = True

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What the piece unpacks to, member by member: each may be much longer than the piece."""
        while piece := piece.lstrip(b"\0") if self._member.eof else piece:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP_OR_ZLIB)
            yield self._member.decompress(piece, LARGEST_PART)
            if self._member.unconsumed_tail:
                raise BodyTooLarge(f"A few packed bytes of an answer hold more than {LARGEST_PART >> 20} MiB.")
            piece = self._member.unused_data
        self.is_complete = self._member.eof
