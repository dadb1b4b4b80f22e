"""JSON bytes → the structs of the restapi: values that do not fit are dropped and counted."""

import json

import msgspec
import pytest

from pyrus_etl.client.decode import storable
from pyrus_etl.extract.v3.read import decode
from pyrus_etl.extract.v3.wire import Contacts, TaskHeader, TaskList, TaskWithNotes


def test_a_megabyte_of_text_is_read() -> None:
    text = "многа букаф 😀 " * 70_000

    read, unreadable = decode(storable(json.dumps({"Id": 1, "Text": text}).encode()), TaskWithNotes)
    assert (read.text, unreadable) == (text, 0)


def test_names_are_matched_exactly_and_unknown_ones_ignored() -> None:
    body = b'{"Id": 1, "text": "no", "TEXT": "no", "Text": "yes", "Newer": {"Deep": []}}'

    assert decode(body, TaskWithNotes) == (TaskWithNotes(id=1, text="yes"), 0)


@pytest.mark.parametrize("task_id", [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_ids_are_exact_to_63_bits(task_id: int) -> None:
    read, _ = decode(b'{"Id": 1, "ParentTaskId": %d}' % task_id, TaskWithNotes)

    assert read.parent_task_id == task_id


@pytest.mark.parametrize("number", [b"9223372036854775808", b"-9223372036854775809", b"1.5", b"1e30", b'"1"', b"true"])
def test_an_id_that_is_not_a_bigint_is_dropped(number: bytes) -> None:
    assert decode(b'{"Id": 1, "ParentTaskId": %s}' % number, TaskWithNotes) == (TaskWithNotes(id=1), 1)


def test_a_list_loses_only_entries_without_a_task_id() -> None:
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


def test_a_deeply_nested_body_is_refused() -> None:
    deep = b'{"Id": 1, "Form": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

    with pytest.raises(msgspec.DecodeError):
        decode(deep, TaskWithNotes)


def test_a_body_with_too_many_unreadable_values_is_refused_quickly() -> None:
    body = json.dumps({"Id": 1, "Notes": [5] * 20_000}).encode()

    with pytest.raises(msgspec.ValidationError):
        decode(body, TaskWithNotes)


def test_amounts_are_read_as_decimals() -> None:
    read, _ = decode(b'{"Id": 1, "Form": [{"Field": {"Type": "Decimal"}, "Decimal": 0.10}]}', TaskWithNotes)

    assert [value and str(value.value) for value in read.form or []] == ["0.10"]
