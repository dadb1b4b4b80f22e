"""A task of API v4 with every property, from its body to every column of every table.

The expected rows were worked out by hand.
"""

import json
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.load.tasks.batch import load
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.schema.raw import raw_tasks
from pyrus_etl.schema.rows import OWNED
from pyrus_etl.settings import Secret
from tests.loads import ACCOUNT, FETCHED, task_load, task_load_v4
from tests.normalize.reading import FULL, FULL_ID
from tests.oracle import Json
from tests.runs import program

ID = 8_100_000_000_001
FILED = 2**53 + 1
CREATED = datetime(2026, 1, 5, 8, tzinfo=UTC)
CHANGED = datetime(2026, 1, 6, 9, 30, 0, 250000, tzinfo=UTC)
CLOSED = datetime(2026, 1, 6, 9, 30, tzinfo=UTC)
DUE = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


def person(person_id: int, **more: Any) -> Json:
    return {"id": person_id, "first_name": "P", "last_name": str(person_id), "type": "user", **more}


def file(file_id: int, **more: Any) -> Json:
    return {"id": file_id, "name": f"{file_id}.pdf", "size": 10, "md5": "AB", "url": f"https://f/{file_id}", **more}


def text(field_id: int, value: str, **more: Any) -> Json:
    return {"id": field_id, "type": "text", "name": f"t{field_id}", "value": value, **more}


FIELDS: list[Json | None] = [
    text(1, "first"),
    None,
    {
        "id": 2,
        "type": "title",
        "name": "Section",
        "value": {
            "checkmark": "checked",
            "fields": [
                text(3, "in it", parent_id=2),
                {
                    "id": 4,
                    "type": "multiple_choice",
                    "name": "Choice",
                    "value": {
                        "choice_ids": [7, 8],
                        "choice_names": ["Yes", "No"],
                        "fields": [text(5, "why")],
                    },
                },
                {
                    "id": 6,
                    "type": "table",
                    "name": "Rows",
                    "value": [
                        {
                            "row_id": 10,
                            "position": 2,
                            "cells": [text(7, "a"), {"id": 8, "type": "file", "name": "F", "value": [file(91)]}],
                        },
                        {"row_id": 11, "position": 1, "cells": [text(7, "b", parent_id=6, row_id=11), text(9, "")]},
                        {"row_id": 12, "deleted": True, "cells": [text(7, "gone")]},
                    ],
                },
            ],
        },
    },
    {"id": 20, "type": "money", "name": "Price", "value": 10.10},
    {"id": 21, "type": "due_date_time", "name": "Due", "value": "2026-01-31T23:30:00Z", "duration": "90"},
    {"id": 22, "type": "text", "name": "Empty"},
    {"id": 20, "type": "money", "name": "Price", "value": 3},
    {"type": "text", "name": "No id", "value": "x"},
    {"id": 23, "name": "No type", "value": {"any": 1}},
    {
        "id": 24,
        "type": "file",
        "name": "Files",
        "value": [file(90, version=2), file(92, root_id=90), {"name": "a link"}],
    },
]
NOTES: list[Json | None] = [
    {
        "id": 501,
        "create_date": "2026-01-05T08:00:00Z",
        "author": person(71),
        "text": "Please look.",
        "reassigned_to": person(72),
        "due": "2026-01-31T23:30:00Z",
        "duration": 90,
        "added_list_ids": [FILED, 31],
        "participants_added": [person(73), None, {"first_name": "no id"}],
        "attachments": [file(90), file(93)],
        "approvals_added": [[{"person": person(72), "step": 1}], [], None, [{"step": 4}, None]],
        "subscribers_added": [person(74, type="role"), {"person": person(75)}],
        "mentions": [76, person(77)],
        "subject": "Subject",
        "scheduled_date": "2026-01-20",
        "channel": {"type": "telegram", "to": "x"},
        "field_updates": [text(1, "old"), {"id": 24, "type": "file", "name": "Files", "value": [file(93), file(94)]}],
    },
    None,
    {
        "id": 505,
        "create_date": "2026-01-06T09:30:00.250Z",
        "author": person(72),
        "approval_choice": "approved",
        "approval_step": 1,
        "changed_step": 2,
        "spent_minutes": 15,
        "reply_note_id": 501,
        "action": "finished",
        "approvals_removed": [[{"person": person(73)}]],
        "approvals_rerequested": [[{"person": person(72), "step": 1}]],
        "participants_removed": [person(73)],
        "subscribers_removed": [person(74)],
        "cancel_due": True,
        "subscribers_rerequested": [person(75)],
        "removed_list_ids": [31],
        "edit_comment_id": 501,
    },
    {
        "text": "no id",
        "action": "shelved",
        "approval_choice": "abstained",
        "due_date": "2026-02-01",
        "reset_to_step": 1,
    },
    {"id": 503, "action": "reopened", "delete_comment_id": 502, "scheduled_datetime_utc": "2026-01-05T08:00:00Z"},
]
TASK: Json = {
    "id": ID,
    "text": "Oven no. 3",
    "formatted_text": "<b>Oven</b>",
    "subject": "Burner",
    "flat": True,
    "create_date": "2026-01-05T08:00:00Z",
    "last_modified_date": "2026-01-06T09:30:00.250Z",
    "close_date": "2026-01-06T09:30:00Z",
    "is_closed": True,
    "parent_task_id": 4,
    "form_id": FILED,
    "author": person(71, email="a@b.example", department_id=2**40, banned=False),
    "responsible": person(72),
    "due": "2026-01-31T23:30:00Z",
    "duration": 90,
    "scheduled_date": "2026-01-20",
    "scheduled_datetime_utc": "2026-01-05T08:00:00Z",
    "list_ids": [FILED, 31, FILED, None],
    "current_step": 2,
    "approvals": [[], [{"person": person(72), "approval_choice": "approved", "step": 2}, {"person": person(73)}]],
    "participants": [person(71), person(73)],
    "linked_task_ids": [9, 9, 8],
    "last_note_id": 999,
    "unknown": {"a": 1},
    "subscribers": [{"person": person(74)}, {"person": person(75), "approval_choice": "rejected"}],
    "steps": [{"step": 1, "name": "Check", "elapsed_time": 5_000_000_000}, {"step": 2, "name": "Pay"}, {"name": "?"}],
    "attachments": [file(92), file(95)],
    "fields": FIELDS,
    "comments": NOTES,
}

TABLES: dict[str, list[tuple[Any, ...]]] = {
    "task_id, text, subject, author_id, responsible_id, due_date, due_at, due_minutes, scheduled_date, scheduled_at, "
    "asap FROM tasks": [
        (ID, "Oven no. 3", "Burner", 71, 72, date(2026, 1, 31), DUE, 90, date(2026, 1, 20), CREATED, False)
    ],
    "create_date, modified_date, close_date, is_closed, parent_task_id, is_any_rejected, form_id, main_project_id, "
    "current_step, last_note_id, detail_at, deleted_at FROM tasks": [
        (CREATED, CHANGED, CLOSED, True, 4, False, FILED, FILED, 2, 505, FETCHED, None)
    ],
    "project_no, project_id FROM task_projects": [(1, FILED), (2, 31)],
    "step_no, approver_no, person_id, choice FROM approvals": [(2, 1, 72, "Approved"), (2, 2, 73, "Waiting")],
    "participant_no, person_id FROM task_participants": [(1, 71), (2, 73)],
    "subscriber_no, person_id, choice FROM task_subscribers": [(1, 74, None), (2, 75, "Rejected")],
    "step_no, name, elapsed_ms FROM task_steps": [(1, "Check", 5_000_000_000), (2, "Pay", None)],
    "linked_task_id FROM task_links": [(8,), (9,)],
    "note_no, note_id, author_id, create_date, text, reassigned_to_id, activity_action, approval_choice, "
    "due_date_changed, due_date_removed, user_id FROM notes": [
        (1, 501, 71, CREATED, "Please look.", 72, None, None, date(2026, 1, 31), False, None),
        (3, 505, 72, CHANGED, None, None, "Complete", "Approved", None, True, None),
        (4, None, None, None, "no id", None, "shelved", "abstained", date(2026, 2, 1), False, None),
        (5, 503, None, None, None, None, "Reopen", None, None, False, None),
    ],
    "note_no, subject, changed_step, reset_to_step, approval_step, due_at, due_minutes, scheduled_date, scheduled_at "
    "FROM notes": [
        (1, "Subject", None, None, None, DUE, 90, date(2026, 1, 20), None),
        (3, None, 2, None, 1, None, None, None, None),
        (4, None, None, 1, None, None, None, None, None),
        (5, None, None, None, None, None, None, None, CREATED),
    ],
    "note_no, spent_minutes, reply_note_id, edit_note_id, delete_note_id, channel_type FROM notes": [
        (1, None, None, None, None, "telegram"),
        (3, 15, 501, 501, None, None),
        (4, None, None, None, None, None),
        (5, None, None, None, 502, None),
    ],
    "note_no, change, project_id FROM note_projects": [(1, "added", 31), (1, "added", FILED), (3, "removed", 31)],
    "note_no, change, step_no, approver_no, person_id, told_step, create_date FROM note_approvals": [
        (1, "added", 1, 1, 72, 1, CREATED),
        (1, "added", 4, 1, None, 4, CREATED),
        (3, "removed", 1, 1, 73, None, CHANGED),
        (3, "rerequested", 1, 1, 72, 1, CHANGED),
    ],
    "note_no, change, person_no, person_id FROM note_persons": [
        (1, "mentioned", 1, 76),
        (1, "mentioned", 2, 77),
        (1, "participant_added", 1, 73),
        (1, "participant_added", 3, None),
        (1, "subscriber_added", 1, 74),
        (1, "subscriber_added", 2, 75),
        (3, "participant_removed", 1, 73),
        (3, "subscriber_removed", 1, 74),
        (3, "subscriber_rerequested", 1, 75),
    ],
    "attachment_id, name, note_no, field_id, existing_id, version, size_bytes, md5_hash, download_url "
    "FROM attachments": [
        (90, "90.pdf", 1, None, None, None, 10, "AB", "https://f/90"),
        (91, "91.pdf", None, 8, None, None, 10, "AB", "https://f/91"),
        (92, "92.pdf", None, None, None, None, 10, "AB", "https://f/92"),
        (93, "93.pdf", 1, None, None, None, 10, "AB", "https://f/93"),
        (94, "94.pdf", 1, 24, None, None, 10, "AB", "https://f/94"),
        (95, "95.pdf", None, None, None, None, 10, "AB", "https://f/95"),
    ],
    "value_no, field_id, row_id, field_type, field_name, parent_field_id FROM form_values": [
        (1, 1, None, "Text", "t1", None),
        (2, 2, None, "Title", "Section", None),
        (3, 3, None, "Text", "t3", 2),
        (4, 4, None, "MultipleChoice", "Choice", 2),
        (5, 5, None, "Text", "t5", 4),
        (6, 6, None, "Table", "Rows", 2),
        (7, 7, 10, "Text", "t7", 6),
        (8, 8, 10, "Files", "F", 6),
        (9, 7, 11, "Text", "t7", 6),
        (10, 9, 11, "Text", "t9", 6),
        (11, 20, None, "Decimal", "Price", None),
        (12, 21, None, "DueDateTime", "Due", None),
        (13, 20, None, "Decimal", "Price", None),
        (14, None, None, "Text", "No id", None),
        (15, 23, None, None, "No type", None),
        (16, 24, None, "Files", "Files", None),
    ],
    "value_no, value_text, value_number, value_timestamp, value_json FROM form_values": [
        (1, "first", None, None, None),
        (2, None, None, None, {"checkmark": "checked"}),
        (3, "in it", None, None, None),
        (4, "Yes, No", None, None, None),
        (5, "why", None, None, None),
        (6, None, None, None, [{"row_id": 10, "position": 2}, {"row_id": 11, "position": 1}]),
        (7, "a", None, None, None),
        (8, None, None, None, [{"id": 91, "name": "91.pdf"}]),
        (9, "b", None, None, None),
        (10, "", None, None, None),
        (11, None, Decimal("10.1"), None, None),
        (12, None, None, DUE, {"duration": 90}),
        (13, None, Decimal(3), None, None),
        (14, "x", None, None, None),
        (15, None, None, None, {"any": 1}),
        (16, None, None, None, [{"id": 90, "name": "90.pdf"}, {"id": 92, "name": "92.pdf"}, {"name": "a link"}]),
    ],
    "note_no, value_no, field_id, value_text FROM note_form_values": [(1, 1, 1, "old"), (1, 2, 24, None)],
    "note_no, value_no, item_no, kind, item_id, text FROM form_value_items": [
        (0, 4, 1, "choice", 7, "Yes"),
        (0, 4, 2, "choice", 8, "No"),
        (0, 8, 1, "file", 91, "91.pdf"),
        (0, 16, 1, "file", 90, "90.pdf"),
        (0, 16, 2, "file", 92, "92.pdf"),
        (0, 16, 3, "file", None, "a link"),
        (1, 2, 1, "file", 93, "93.pdf"),
        (1, 2, 2, "file", 94, "94.pdf"),
    ],
    "person_id, person_type, last_name, email, department_id, banned FROM persons": [
        (71, "user", "71", "a@b.example", 2**40, False),
        (72, "user", "72", None, None, None),
        (73, "user", "73", None, None, None),
        (74, "user", "74", None, None, None),
        (75, "user", "75", None, None, None),
        (76, None, None, None, None, None),
        (77, "user", "77", None, None, None),
    ],
    "form_id, field_id, parent_field_id, in_rows FROM form_fields": [
        *[(FILED, 1, None, False), (FILED, 2, None, False), (FILED, 3, 2, False), (FILED, 4, 2, False)],
        *[(FILED, 5, 4, False), (FILED, 6, 2, False), (FILED, 7, 6, True), (FILED, 8, 6, True), (FILED, 9, 6, True)],
        *[(FILED, 20, None, False), (FILED, 21, None, False), (FILED, 23, None, False), (FILED, 24, None, False)],
    ],
    "project_id FROM projects": [],
    "api, payload FROM raw_tasks": [("v4", {"task": TASK})],
}
"""What is selected from a table of `pyrus` → its rows, in their order."""


SHAPES: list[Json] = [
    {},
    {name: TASK[name] for name in TASK if name not in ("id", "text")},
    {"due": "2026-01-31T23:30:00Z", "create_date": "2026-01-05", "duration": "90", "comments": [{"duration": 5}]},
    {"due_date": "2026-01-31", "current_step": "7", "is_closed": True, "form_id": 5, "fields": FIELDS},
    {"author": person(5), "steps": [{"step": 1}, {"step": 1}], "linked_task_ids": [1, 1], "list_ids": [1, 1]},
]
"""Tasks that give different properties."""


@pytest.fixture
def connection(database: Secret) -> Iterator[Connection]:
    with connect(database) as opened:
        yield opened


def assert_stored(connection: Connection, except_for: Collection[str] = ()) -> None:
    for selected, rows in TABLES.items():
        columns, table = selected.split(" FROM ")
        if table in except_for:
            continue
        query = f"SELECT {columns} FROM pyrus.{table} ORDER BY {columns if table != 'raw_tasks' else 1}"
        assert connection.execute(query.encode()).fetchall() == rows, selected


def test_every_property_is_in_its_column(connection: Connection) -> None:
    loaded = task_load_v4(json.dumps({"task": TASK}).encode())
    with connection.transaction():
        load(connection, ACCOUNT, [loaded])

    assert_stored(connection)
    assert loaded.rows.unreadable == 0


def test_rows_are_rebuilt_from_the_stored_body(connection: Connection, database: Secret) -> None:
    with connection.transaction():
        load(connection, ACCOUNT, [task_load_v4(json.dumps({"task": TASK}).encode())])
    for table in OWNED:
        if table is not raw_tasks:
            connection.execute(f"DELETE FROM {table}".encode())
    connection.execute("UPDATE pyrus.tasks SET text = 'another', is_closed = false, due_at = NULL, last_note_id = 1")

    assert program("db", "rebuild", database=database).returncode == 0
    assert_stored(connection)


def test_a_body_of_v4_replaces_one_of_v3_with_everything_that_belongs_to_it(connection: Connection) -> None:
    """The database continues through the new API; what only v3 serves stays in the tables that tasks share."""
    older = FULL.replace(str(FULL_ID).encode(), str(ID).encode())
    with connection.transaction():
        load(connection, ACCOUNT, [task_load(older)])
    with connection.transaction():
        load(connection, ACCOUNT, [task_load_v4(json.dumps({"task": TASK}).encode())])

    assert_stored(connection, except_for=("persons", "projects", "form_fields"))


def test_characters_that_postgresql_cannot_store_are_replaced_and_no_digit_is_lost(connection: Connection) -> None:
    digits = "12345678901234567890.1234567890123456789010"
    fields = (
        rf'{{"id": 1, "type": "money", "value": {digits}}}, {{"id": 2, "type": "odd", "value": {{"\u0000": "\udc00"}}}}'
    )
    task = rf'"id": {ID}, "text": "a\u0000\ud83d\ude00\ud83d", "form_id": 5, "fields": [{fields}], "\u0000": 1'
    with connection.transaction():
        load(connection, ACCOUNT, [task_load_v4(f'{{"task": {{{task}}}}}'.encode())])

    assert connection.execute("SELECT text FROM pyrus.tasks").fetchall() == [("a\ufffd\U0001f600\ufffd",)]
    assert connection.execute("SELECT payload -> 'task' ? '\ufffd' FROM pyrus.raw_tasks").fetchall() == [(True,)]
    values = "SELECT value_number::text, value_json FROM pyrus.form_values ORDER BY value_no"
    assert connection.execute(values).fetchall() == [(digits, None), (None, {"\ufffd": "\ufffd"})]


def test_tasks_of_every_shape_are_one_batch(connection: Connection) -> None:
    """Loaded twice, so that rows are added and then updated; a column may be null in some of them."""
    bodies = [json.dumps({"task": {"id": ID + no, **shape}}).encode() for no, shape in enumerate(SHAPES)]
    for text in ("first", "second"):
        with connection.transaction():
            loads = [task_load_v4(body.replace(b'"id"', f'"text": "{text}", "id"'.encode(), 1)) for body in bodies]
            assert len(load(connection, ACCOUNT, loads)) == len(SHAPES)

    found = connection.execute("SELECT text, count(*) FROM pyrus.tasks GROUP BY 1").fetchall()
    assert found == [("second", len(SHAPES))]
