"""Unpacks compressed bodies as gunzip does."""

import zlib
from collections.abc import Iterable, Iterator

PACKED = {"gzip", "x-gzip", "deflate"}
LARGEST_PART = 1 << 20
GZIP_OR_ZLIB = 47


class BadPacking(ValueError):
    """A compressed body is damaged or incomplete."""


def unpacker_for(encoding: str) -> "Unpacker | Plain":
    """Unpacks a body with this Content-Encoding."""
    return Unpacker() if encoding.strip().lower() in PACKED else Plain()


class Plain:
    """Passes on a body that is not compressed."""

    def feed(self, piece: bytes) -> Iterable[bytes]:
        return (piece,)

    def end(self) -> None:
        pass


class Unpacker:
    """Unpacks a body that arrives in pieces: several members in a row, and zero bytes after them.

    aiohttp mistakes such zero bytes for a broken member.
    """

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Unpacks the piece, in parts of at most `LARGEST_PART`; raises BadPacking."""
        more = False
        while (piece := self._without_padding(piece)) or more:
            if self._is_between_members:
                self._member = zlib.decompressobj(GZIP_OR_ZLIB)
            assert self._member
            try:
                part = self._member.decompress(piece, LARGEST_PART)
            except zlib.error as error:
                raise BadPacking("the body cannot be unpacked") from error
            yield part
            piece = self._member.unconsumed_tail or self._member.unused_data
            more = len(part) == LARGEST_PART and not self._member.eof

    def end(self) -> None:
        """Raises BadPacking if the body ended within a member."""
        if not self._is_between_members:
            raise BadPacking("the compressed body broke off")

    @property
    def _is_between_members(self) -> bool:
        return self._member is None or self._member.eof

    def _without_padding(self, piece: bytes) -> bytes:
        return piece.lstrip(b"\0") if self._member and self._member.eof else piece
