"""JSON bytes → what PostgreSQL can hold, and the model."""

import json
import re

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyrus_etl.client.decode import storable
from pyrus_etl.extract.v3.read import decode
from pyrus_etl.extract.v3.wire import Contacts, TaskHeader, TaskList, TaskWithNotes

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
def test_escapes_of_what_postgresql_cannot_hold_become_the_replacement_character(served: str, stored: str) -> None:
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
def test_bytes_that_are_no_utf_8_become_the_replacement_character(served: bytes, text: str) -> None:
    assert json.loads(storable(served)) == text


def test_what_can_be_stored_is_left_as_it_is() -> None:
    body = '{"Text": "tab\\t \\u0041 \\\\u0000 😀 \\ud83d\\ude00 é", "n": 1.10}'.encode()

    assert storable(body) == body.replace(b"\\ud83d\\ude00", b"\\ud83d\\ude00")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["\\", "u0000", "\\u0000", "\\ud83d", "\\ude00", "\\\\", "\\n", '\\"', "d", "é"])))
@example(["\\\\", "\\u0000"])
@example(["\\ud83d", "\\ude00", "\\ude00"])
def test_a_storable_text_means_the_same_but_for_what_cannot_be_stored(pieces: list[str]) -> None:
    served = '"' + "".join(pieces) + '"'
    try:
        meant = json.loads(served)
    except ValueError:
        return

    stored = storable(served.encode())
    assert json.loads(stored) == re.sub("[\0\ud800-\udfff]", "\ufffd", meant)
    assert storable(stored) == stored


def test_a_megabyte_of_text_passes() -> None:
    text = "многа букаф 😀 " * 70_000

    read, unreadable = decode(storable(json.dumps({"Id": 1, "Text": text}).encode()), TaskWithNotes)
    assert (read.text, unreadable) == (text, 0)


def test_names_are_matched_as_the_api_spells_them_and_others_ignored() -> None:
    body = b'{"Id": 1, "text": "no", "TEXT": "no", "Text": "yes", "Newer": {"Deep": []}}'

    assert decode(body, TaskWithNotes) == (TaskWithNotes(id=1, text="yes"), 0)


@pytest.mark.parametrize("task_id", [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_ids_are_exact_to_63_bits(task_id: int) -> None:
    read, _ = decode(b'{"Id": 1, "ParentTaskId": %d}' % task_id, TaskWithNotes)

    assert read.parent_task_id == task_id


@pytest.mark.parametrize("number", [b"9223372036854775808", b"-9223372036854775809", b"1.5", b"1e30", b'"1"', b"true"])
def test_what_is_no_bigint_is_no_id(number: bytes) -> None:
    assert decode(b'{"Id": 1, "ParentTaskId": %s}' % number, TaskWithNotes) == (TaskWithNotes(id=1), 1)


def test_a_list_loses_only_entries_that_name_no_task() -> None:
    body = b'{"Tasks": [{"Id": 1}, null, {"Id": "x"}, {}, 7, {"Id": 2, "ModifiedDate": 5}], "HasMoreTasks": true}'

    read, unreadable = decode(body, TaskList)
    assert read.headers == [TaskHeader(1), TaskHeader(2)]
    assert read.has_more_tasks is True
    assert unreadable >= 4


def test_organizations_may_hold_nulls() -> None:
    body = b'{"Organizations": [null, {"Id": 1, "Persons": null}, {"Id": 2, "Persons": [null, {"Id": 5}]}]}'

    read, unreadable = decode(body, Contacts)
    assert [one and one.id for one in read.organizations or []] == [None, 1, 2]
    assert unreadable == 0


def test_a_body_nested_without_end_is_refused() -> None:
    deep = b'{"Id": 1, "Form": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

    with pytest.raises(msgspec.DecodeError):
        decode(deep, TaskWithNotes)


def test_a_body_that_is_wrong_throughout_is_refused_soon() -> None:
    body = json.dumps({"Id": 1, "Notes": [5] * 20_000}).encode()

    with pytest.raises(msgspec.ValidationError):
        decode(body, TaskWithNotes)


def test_amounts_stay_decimals() -> None:
    read, _ = decode(b'{"Id": 1, "Form": [{"Field": {"Type": "Decimal"}, "Decimal": 0.10}]}', TaskWithNotes)

    assert [value and str(value.value) for value in read.form or []] == ["0.10"]
