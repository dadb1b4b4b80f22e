"""Compressed bodies are unpacked as gunzip does."""

import gzip
import zlib

import pytest

from pyrus_etl.client.network.unpack import LARGEST_PART, BadPacking, Unpacker

TEXT = b'{"whole": true}'


def packed(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


PACKED = packed(TEXT)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (PACKED, TEXT),
        (PACKED + b"\0" * 8, TEXT),
        (PACKED + b"\0" * 5000, TEXT),
        (packed(TEXT[:5]) + packed(TEXT[5:]), TEXT),
        (packed(TEXT[:5]) + b"\0\0" + packed(TEXT[5:]) + b"\0", TEXT),
        (packed(b"") + PACKED, TEXT),
        (zlib.compress(TEXT), TEXT),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_members_are_joined_and_zero_bytes_after_them_ignored(body: bytes, text: bytes, size: int) -> None:
    unpacker = Unpacker()
    parts = [part for at in range(0, len(body), size) for part in unpacker.feed(body[at : at + size])]

    unpacker.end()

    assert b"".join(parts) == text


@pytest.mark.parametrize("body", [TEXT, PACKED + b"garbage", PACKED[:5] + b"\0" + PACKED[6:-3] + b"abc"])
def test_a_body_that_is_not_compressed_is_an_error(body: bytes) -> None:
    with pytest.raises(BadPacking, match="cannot be unpacked"):
        list(Unpacker().feed(body))


@pytest.mark.parametrize("cut", [1, 9, len(PACKED) - 1])
def test_a_member_that_is_cut_short_is_an_error(cut: int) -> None:
    unpacker = Unpacker()
    list(unpacker.feed(PACKED + PACKED[:-cut]))

    with pytest.raises(BadPacking, match="broke off"):
        unpacker.end()


@pytest.mark.parametrize("size", [LARGEST_PART - 1, LARGEST_PART, LARGEST_PART + 1, 3 * LARGEST_PART])
def test_a_few_bytes_that_unpack_to_many_come_in_parts(size: int) -> None:
    unpacker = Unpacker()
    lengths = [len(part) for part in unpacker.feed(gzip.compress(bytes(size)))]
    unpacker.end()

    assert max(lengths) <= LARGEST_PART
    assert sum(lengths) == size
