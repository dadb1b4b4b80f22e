"""JSON bytes → bytes that PostgreSQL can store."""

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyrus_etl.client.decode import storable

ESCAPES = {
    # as served → as stored
    r'"\u0000"': '"\ufffd"',
    r'"a\u0000\u0000b"': '"a\ufffd\ufffdb"',
    r'"\ud83d"': '"\ufffd"',
    r'"\uDE00"': '"\ufffd"',
    r'"\ud83d\ud83d"': '"\ufffd\ufffd"',
    r'"\ude00\ud83d"': '"\ufffd\ufffd"',
    r'"\ud83d x"': '"\ufffd x"',
    r'"\ud83d\u0041"': '"\ufffdA"',
    r'"\ud83d\ud83d\ude00"': '"\ufffd😀"',
    r'"\ud83d\ude00\ude00"': '"😀\ufffd"',
    r'"\uD83D\uDE00"': '"😀"',
    r'"\ud83d\n\ude00"': '"\ufffd\\n\ufffd"',
    r'"\\u0000"': r'"\\u0000"',
    r'"\\\u0000"': r'"\\' + '\ufffd"',
    r'"\\\\u0000"': r'"\\\\u0000"',
    r'"\\ud83d"': r'"\\ud83d"',
    r'"\ud83d\\ude00"': '"\ufffd' + r'\\ude00"',
    r'"\"\u0000\""': r'"\"' + '\ufffd' + r'\""',
    r'"\u00000"': '"\ufffd0"',
    r'"\u0001\u001f\ufffe\uffff"': r'"\u0001\u001f\ufffe\uffff"',
    r'{"\u0000": {"\udfff": 1}}': '{"\ufffd": {"\ufffd": 1}}',
}  # fmt: skip


@pytest.mark.parametrize(("served", "stored"), ESCAPES.items())
def test_escapes_that_postgresql_cannot_store_become_the_replacement_character(served: str, stored: str) -> None:
    assert json.loads(storable(served.encode())) == json.loads(stored)


@pytest.mark.parametrize(
    ("served", "text"),
    [
        (b'"caf\xe9"', "caf\ufffd"),
        (b'"\xff\xfe"', "\ufffd\ufffd"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'"\xf0\x9f\x98"', "\ufffd"),
        (b'"caf\xc3\xa9 \\u0000 \xff"', "café \ufffd \ufffd"),
    ],
)
def test_bytes_that_are_not_utf_8_become_the_replacement_character(served: bytes, text: str) -> None:
    assert json.loads(storable(served)) == text


def test_a_storable_body_is_not_changed() -> None:
    body = '{"Text": "tab\\t \\u0041 \\\\u0000 😀 \\ud83d\\ude00 é", "n": 1.10}'.encode()

    assert storable(body) == body.replace(b"\\ud83d\\ude00", b"\\ud83d\\ude00")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["\\", "u0000", "\\u0000", "\\ud83d", "\\ude00", "\\\\", "\\n", '\\"', "d", "é"])))
@example(["\\\\", "\\u0000"])
@example(["\\ud83d", "\\ude00", "\\ude00"])
def test_a_storable_text_has_the_same_meaning_except_for_replaced_characters(pieces: list[str]) -> None:
    served = '"' + "".join(pieces) + '"'
    try:
        meant = json.loads(served)
    except ValueError:
        return

    stored = storable(served.encode())
    assert json.loads(stored) == re.sub("[\0\ud800-\udfff]", "\ufffd", meant)
    assert storable(stored) == stored
