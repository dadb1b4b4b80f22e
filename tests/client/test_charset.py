"""The characters of an answer: in its declared charset, in pieces of any size, without invisible ones in front."""

import json

import pytest

from pyrus_etl.client.decode import damage, storable
from pyrus_etl.client.network.charset import Transcoder

TEXT = json.dumps({"Text": "Тендер №5 «ёлка»"}, ensure_ascii=False)
PLAIN = json.dumps({"Text": "Тендер"}, ensure_ascii=False)
LATIN = json.dumps({"Text": "café ÿ"}, ensure_ascii=False)


def in_pieces(body: bytes, declared: str | None, size: int) -> bytes:
    transcoder = Transcoder(declared)
    pieces = [transcoder.feed(body[start : start + size]) for start in range(0, len(body), size)]
    return b"".join(pieces) + transcoder.feed(b"", last=True)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("written", "declared", "text"),
    [
        ("utf-8", None, TEXT),
        ("utf-8", "utf-8", TEXT),
        ("utf-8", "x-unknown", TEXT),
        ("utf-8", "us-ascii", TEXT),
        ("utf-8", "utf-16", TEXT),
        ("utf-8", "hex", TEXT),
        ("utf-8", "rot13", TEXT),
        ("utf-8", "unicode_escape", TEXT),
        ("utf-8", "utf-7", TEXT),
        ("utf-8", "", TEXT),
        ("utf-8-sig", "windows-1251", TEXT),
        ("windows-1251", "windows-1251", TEXT),
        ("windows-1251", "Windows-1251", TEXT),
        ("windows-1251", "CP1251", TEXT),
        ("windows-1251", "x-cp1251", TEXT),
        ("mac-cyrillic", "X-Mac-Cyrillic", TEXT),
        ("windows-1251", ' "windows-1251" ', TEXT),
        ("koi8-r", "KOI8-R", PLAIN),
        ("cp866", "cp866", PLAIN),
        ("iso-8859-5", "ISO-8859-5", PLAIN),
        ("latin-1", "latin-1", LATIN),
        ("latin-1", "ISO-8859-1", LATIN),
        ("utf-16", None, TEXT),
        ("utf-16", "utf-8", TEXT),
        ("utf-16-le", "utf-16", TEXT),
        ("utf-16-be", "utf-16", TEXT),
        ("utf-16-le", None, TEXT),
        ("utf-16-be", "UTF-16BE", TEXT),
        ("utf-32", "utf-32", TEXT),
        ("utf-32-be", None, TEXT),
    ],
)
def test_the_first_bytes_or_the_declared_charset_decide_how_a_body_is_read(
    written: str, declared: str | None, text: str, size: int
) -> None:
    assert in_pieces(text.encode(written), declared, size).decode() == text


@pytest.mark.parametrize(
    ("body", "declared", "text", "damaged"),
    [
        ('{"a":"ж"}'.encode("windows-1251"), "utf-8", '{"a":"\ufffd"}', 1),
        ('{"a":"жук"}'.encode("windows-1251"), None, '{"a":"\ufffd\ufffd\ufffd"}', 3),
        (b'{"a":"\x98"}', "windows-1251", '{"a":"\ufffd"}', 1),
        ('{"a":"\ufffdж"}'.encode() + b"\xff", None, '{"a":"\ufffdж"}\ufffd', 1),
        ('{"a":"'.encode("utf-16-le") + b"\x00\xd8" + '"}'.encode("utf-16-le"), "utf-16", '{"a":"\ufffd"}', 1),
        (b'{"a":"\\ud800"}', None, '{"a":"\\ufffd"}', 0),
    ],
)
def test_bytes_that_do_not_fit_the_charset_are_counted(
    body: bytes, declared: str | None, text: str, damaged: int
) -> None:
    served = Transcoder(declared).feed(body, last=True)
    stored = storable(served)

    assert (stored.decode(), damage(served, stored)) == (text, damaged)


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16-be"])
@pytest.mark.parametrize(
    "front",
    [
        "\ufeff",
        "\ufeff\ufeff",
        "\u200b",
        "\u200f\u2060",
        "\u00ad",
        "\u00a0",
        "\u2028",
        "\r\n\t \ufeff",
        "\ufeff \ufeff",
    ],
)
def test_invisible_characters_before_a_body_are_removed(front: str, charset: str, size: int) -> None:
    assert in_pieces((front + "{}").encode(charset), charset, size) == b"{}"
    assert in_pieces(front.encode(), None, size) == b""


def test_white_space_of_json_before_a_body_is_not_removed() -> None:
    """The hash of a body is of the bytes as served."""
    assert in_pieces(b"\r\n\t {}", None, 1) == b"\r\n\t {}"


def test_invisible_characters_within_a_body_are_not_removed() -> None:
    served = '{"a":"\u200b\ufeff"}\ufeff'.encode()

    assert Transcoder(None).feed(served, last=True) == served
