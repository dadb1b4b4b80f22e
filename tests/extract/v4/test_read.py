"""Answers of API v4 that are odd, damaged or hostile: what can be read is kept, the rest is counted."""

import json
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from pyrus_etl.extract.v4.wire.read import Listed, in_form, read_headers, read_register, read_stored
from tests.normalize.reading_v4 import Read, read, read_body, read_task, rows_of, task_body
from tests.oracle import Json

AT = datetime(2026, 2, 5, 10, 6, 21, tzinfo=UTC)
ROW: Json = {
    "id": 5,
    "create_date": "2026-02-05T10:06:21Z",
    "last_modified_date": "2026-02-05T10:06:21Z",
    "last_note_id": 2**40,
    "current_step": 3,
    "fields": [{"id": 1, "type": "text", "value": "a"}],
}
BAD_IDS: tuple[Any, ...] = (2**63, "5", 5.5, None, True, [])


def task_row(found: Read) -> Json:
    return found.tables["tasks"][0]


def headers(listed: Listed) -> list[Any]:
    return [msgspec.structs.astuple(each) for each in listed.headers]


def deep(levels: int) -> Any:
    """A section in a section in a section."""
    field: Json = {"id": 0, "type": "text", "value": "at the bottom"}
    for level in range(1, levels):
        field = {"id": level, "type": "title", "value": {"fields": [field]}}
    return field


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"<html>Bad gateway</html>", "JSON is malformed"),
        (b"", "truncated"),
        (b'{"task": {"id": 1', "truncated"),
        (b'{"task": null}', "Expected `object`"),
        (b'{"task": {"text": "no id"}}', "missing required field `id`"),
        (b'{"error_code": "access_denied_task", "error": "No"}', "missing required field `task`"),
        *[(task_body(id=each), "id") for each in BAD_IDS],
        (b'{"task": {"id": 1, "fields": ' + b"[" * 100_000, "deep"),
    ],
    ids=lambda case: "" if isinstance(case, bytes) else None,
)
def test_an_answer_that_is_no_task_is_refused(body: bytes, error: str) -> None:
    with pytest.raises(msgspec.DecodeError, match=error):
        read_task(body)


def test_a_task_with_an_id_alone_is_a_row_without_values() -> None:
    nothing = {"task_id": 1, "asap": False, "is_any_rejected": False, "is_closed": False}

    assert read() == Read({"tasks": [nothing]}, 0)
    assert read(fields=None, comments=None, approvals=None, list_ids=None, due=None) == read()
    assert read(fields=[], comments=[None], approvals=[None, [], [None]], list_ids=[None], steps=[None]) == read()


@pytest.mark.parametrize(
    ("served", "closed"),
    [
        ({"is_closed": True}, True),
        ({"is_closed": False, "close_date": "2026-02-05T10:06:21Z"}, False),
        ({"close_date": "2026-02-05T10:06:21Z"}, True),
        ({}, False),
    ],
)
def test_a_task_is_closed_if_it_says_so_or_else_if_it_has_a_date_of_closing(served: Json, *, closed: bool) -> None:
    assert task_row(read(**served))["is_closed"] is closed


def test_the_due_day_is_served_or_the_utc_day_of_the_due_time() -> None:
    late = "2026-01-31T23:30:00-03:00"

    assert task_row(read(due=late))["due_date"] == date(2026, 2, 1)
    assert task_row(read(due=late, due_date="2026-01-31"))["due_date"] == date(2026, 1, 31)
    assert "due_at" not in task_row(read(due_date="2026-01-31"))
    assert read(comments=[{"due": late}]).tables["notes"][0]["due_date_changed"] == date(2026, 2, 1)


@pytest.mark.parametrize("choice", ["waiting", "approved", "rejected", "revoked", "acknowledged"])
def test_choices_have_the_words_of_v3(choice: str) -> None:
    found = read(
        approvals=[[{"person": {"id": 5}, "approval_choice": choice}]],
        subscribers=[{"person": {"id": 5}, "approval_choice": choice}],
        comments=[{"approval_choice": choice}],
    )

    assert found.tables["approvals"][0]["choice"] == choice.capitalize()
    assert found.tables["task_subscribers"][0]["choice"] == choice.capitalize()
    assert found.tables["notes"][0]["approval_choice"] == choice.capitalize()
    assert task_row(found)["is_any_rejected"] is (choice == "rejected")


def test_numbers_served_as_text_are_numbers() -> None:
    found = read(duration="140", current_step="2", comments=[{"duration": "90", "spent_minutes": 15.0}])

    assert (task_row(found)["due_minutes"], task_row(found)["current_step"]) == (140, 2)
    assert (found.tables["notes"][0]["due_minutes"], found.tables["notes"][0]["spent_minutes"]) == (90, 15)
    assert found.unreadable == 0


@pytest.mark.parametrize(
    "served",
    [
        {"create_date": "yesterday"},
        {"due": 5},
        {"text": {"a": 1}},
        {"current_step": 2**63},
        {"duration": "1e400000"},
        {"author": 5},
        {"author": {"id": "5"}},
        {"list_ids": ["5"]},
        {"fields": {"a": 1}},
        {"fields": ["a field"]},
        {"fields": [{"id": "1", "type": "text", "value": "a"}]},
        {"fields": [{"id": 1, "type": 5, "value": "a"}]},
        {"fields": [{"id": 1, "type": "catalog", "value": {"item_ids": [5, "6"], "rows": [["a"], ["b"]]}}]},
        {"fields": [{"id": 1, "type": "table", "value": [{"row_id": "x", "cells": []}]}]},
        {"fields": [{"id": 1, "type": "title", "value": {"fields": "none"}}]},
        {"steps": [{"step": "one"}]},
        {"comments": ["a note"]},
        {"comments": [{"create_date": "now"}]},
        {"comments": [{"channel": "email"}]},
        {"comments": [{"mentions": ["Ann"]}]},
        {"comments": [{"participants_added": [{"id": "5"}]}]},
        {"comments": [{"approvals_added": [[{"person": 5}]]}]},
        {"comments": [{"attachments": [{"id": "f"}]}]},
        {"is_closed": "yes"},
    ],
    ids=repr,
)
def test_a_value_that_cannot_be_read_is_counted_and_everything_else_is_kept(served: Json) -> None:
    found = read(subject="kept", **served)

    assert task_row(found)["subject"] == "kept"
    assert found.unreadable == 1


def test_nulls_and_lone_surrogates_are_replaced_in_texts_and_in_json() -> None:
    odd = rb'{"id": 1, "type": "odd", "value": {"\u0000": "\udfff"}}'
    body = rb'{"task": {"id": 1, "text": "a\u0000b\ud800", "fields": [' + odd + b"]}}"
    stored, _, _ = read_task(body)
    found = read_body(body)

    assert task_row(found)["text"] == "a\ufffdb\ufffd"
    assert found.tables["form_values"][0]["value_json"] == {"\ufffd": "\ufffd"}
    assert rb"\u0000" not in stored


def test_amounts_keep_every_digit_in_columns_and_in_json() -> None:
    digits = "12345678901234567890.123456789012345678901234567890"
    fields = f'{{"id": 1, "type": "money", "value": {digits}}}, {{"id": 2, "type": "odd", "value": [{digits}]}}'
    _, task, _ = read_task(f'{{"task": {{"id": 1, "fields": [{fields}]}}}}'.encode())
    assert task.form
    amount, odd = (each.value for each in task.form if each)

    assert str(amount) == digits
    assert odd.json == f"[{digits}]".encode()  # type: ignore[union-attr]


def test_fields_are_read_at_any_depth_and_too_deep_a_nest_is_refused() -> None:
    assert len(read(fields=[deep(100)]).tables["form_values"]) == 100

    with pytest.raises(msgspec.DecodeError, match=r".+"):
        read_task(b'{"task": {"id": 1, "fields": [' + b'{"type": "title", "value": {"fields": [' * 5000 + b"]}}" * 5001)


def test_a_table_in_a_row_has_rows_of_its_own() -> None:
    inner = {"id": 3, "type": "table", "value": [{"row_id": 7, "cells": [{"id": 4, "type": "text", "value": "a"}]}]}
    section = {"id": 5, "type": "title", "value": {"fields": [{"id": 6, "type": "text", "value": "b"}]}}
    found = read(fields=[{"id": 1, "type": "table", "value": [{"row_id": 2, "cells": [inner, section]}]}])

    assert [
        (value["field_id"], value.get("row_id"), value.get("parent_field_id")) for value in found.tables["form_values"]
    ] == [
        *((1, None, None), (3, 2, 1), (4, 7, 3), (5, 2, 1), (6, 2, 5)),
    ]


def test_a_stored_body_is_read_as_it_was_served() -> None:
    body = task_body(text="a", comments=[{"id": 3}, {"id": 9}, {"text": "no id"}], last_note_id=77)
    stored, served, _ = read_task(body)
    again, unreadable = read_stored(stored)

    assert rows_of(again) == rows_of(served)
    assert task_row(rows_of(again))["last_note_id"] == 9
    assert unreadable == 0


def test_a_deleted_task_says_so() -> None:
    assert [read_stored(task_body(**served))[0].deleted for served in ({"deleted": True}, {})] == [True, None]


def test_a_register_row_gives_a_part_of_the_task() -> None:
    listed, unreadable = read_register(json.dumps({"tasks": [ROW, None, ROW | {"id": 6}]}).encode())
    first, second = listed.tasks()
    found = rows_of(in_form(first, 77, is_closed=True))

    assert headers(listed) == [(5, AT, 2**40), (6, AT, 2**40)]
    assert (first.last_note_id, second.id, unreadable) == (2**40, 6, 0)
    assert task_row(found) == {
        "task_id": 5,
        "create_date": AT,
        "modified_date": AT,
        "form_id": 77,
        "is_closed": True,
        "current_step": 3,
    }
    assert found.tables.keys() == {"tasks", "form_values", "form_fields"}


def test_what_a_register_row_leaves_out_is_not_given() -> None:
    (row,) = read_register(b'{"tasks": [{"id": 5}]}')[0].tasks()

    assert rows_of(row).tables == {"tasks": [{"task_id": 5}]}


def test_what_cannot_be_read_of_a_row_is_counted_and_spoils_no_other_row() -> None:
    wrong = {"id": 5, "current_step": "x", "fields": [{"id": 1, "type": "date", "value": "now"}, "a field"]}
    listed, _ = read_register(b'{"tasks": [' + json.dumps(wrong).encode() + b', {"id": 7}]}')

    assert [(task.id, rows_of(task).unreadable) for task in listed.tasks()] == [(5, 3), (7, 0)]


def test_a_header_of_a_list_gives_texts_persons_and_dates() -> None:
    row: Json = {
        "id": 5,
        "text": "a",
        "author": {"id": 7},
        "responsible": {"id": 8},
        "due_date": "2026-02-05",
        "create_date": "2026-02-05T10:06:21Z",
        "last_modified_date": "2026-02-05T10:06:21Z",
    }
    closed = row | {"id": 6, "close_date": "2026-02-05T10:06:21Z"}
    listed, unreadable = read_headers(json.dumps({"tasks": [row, closed], "has_more": True}).encode())
    first, second = (rows_of(each).tables["tasks"][0] for each in listed.tasks())

    assert first == {
        "task_id": 5,
        "text": "a",
        "author_id": 7,
        "responsible_id": 8,
        "due_date": date(2026, 2, 5),
        "create_date": AT,
        "modified_date": AT,
        "is_closed": False,
    }
    assert second == first | {"task_id": 6, "close_date": AT, "is_closed": True}
    assert (headers(listed), listed.has_more, unreadable) == ([(5, AT, None), (6, AT, None)], True, 0)


@pytest.mark.parametrize("body", [b"{}", b'{"has_more": false}', b'{"tasks": []}', b'{"tasks": null}'])
def test_an_empty_list_leaves_out_its_keys(body: bytes) -> None:
    for read_list in (read_register, read_headers):
        listed, unreadable = read_list(body)
        assert (listed.headers, list(listed.tasks()), listed.has_more, unreadable) == ([], [], False, 0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"tasks": ' + b"[" * 100_000,
        b'{"error": "No", "error_code": "x"}',
        b"[]",
        b"<html>",
        b"id;name",
        b'{"tasks": {"a": 1}}',
        b'{"tasks": [{"id"',
    ],
)
def test_an_answer_that_is_no_list_is_refused(body: bytes) -> None:
    for read_list in (read_register, read_headers):
        with pytest.raises(msgspec.DecodeError):
            read_list(body)


def test_rows_and_dates_that_cannot_be_read_are_counted_and_the_others_are_listed() -> None:
    rows = [*[{"id": each} for each in BAD_IDS], "row", {"id": 5, "last_modified_date": "now"}, {"id": 6}]
    listed, unreadable = read_register(json.dumps({"tasks": rows}).encode())

    assert headers(listed) == [(5, None, None), (6, None, None)]
    assert unreadable == len(BAD_IDS) + 2
    assert [task.id for task in listed.tasks()] == [5, 6]
