"""Texts, ids, dates and amounts at the limits of PostgreSQL, and beyond them, from HTTP to the tables."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.result import Result
from tests.normalize.reading import FULL, FULL_ID
from tests.oracle import assert_tables_equal_world
from tests.runs import sync
from tests.typing import Query

TEXTS = {
    # the text in the body, between its quotes → the stored text
    r"nul \u0000.": "nul \ufffd.",
    r"high \ud83d.": "high \ufffd.",
    r"low \udE00.": "low \ufffd.",
    r"twice \uD83D\ud83d\ude00": "twice \ufffd😀",
    r"turned \ude00\ud83d": "turned \ufffd\ufffd",
    r"escaped \\u0000 \\ud83d": r"escaped \u0000 \ud83d",
    r"both \\\u0000": "both \\\ufffd",
    r"pair \ud83d\ude00": "pair 😀",
    "raw 😀 é 漢字 עברית": "raw 😀 é 漢字 עברית",
    r"tab\tnewline\nreturn\rfeed\fback\b": "tab\tnewline\nreturn\rfeed\fback\b",
    r"copy \\. \\N \\\\ \\t": r"copy \. \N \\ \t",
    r"\"quotes\" 'single' $$ -- ; %s {} E'\\'": "\"quotes\" 'single' $$ -- ; %s {} E'\\'",
    r"\u0001\u001f\u007f\u0085\u2028\ufeff\ufffe\uffff": "\x01\x1f\x7f\x85\u2028\ufeff\ufffe\uffff",
    "": "",
    r"\\": "\\",
    "NULL": "NULL",
    r"\\N": r"\N",
}
FIRST = 9_000_000_000_000_000

HOSTILE = """
{"TaskWithNotes": {"Id": ID, "Text": "TEXT", "Author": {"Id": 61, "LastName": "TEXT"},
 "Projects": [{"Id": 62, "Name": "TEXT"}], "Approvals": [[{"Choice": "TEXT"}]],
 "Form": [{"Field": {"Id": 1, "Type": "Text", "Name": "TEXT"}, "Text": "TEXT"},
          {"Field": {"Id": 2, "Type": "TEXT", "Name": "TEXT"}, "TEXT": {"TEXT": ["TEXT"]}}],
 "Notes": [{"Text": "TEXT", "ActivityAction": "TEXT", "Attachments": [{"Id": 63, "Name": "TEXT"}]}]}}
"""


def hostile(task_id: int, text: str) -> bytes:
    """A task with the text in many places, keys included."""
    return HOSTILE.replace("ID,", f"{task_id},", 1).replace("TEXT", text).encode()


def world_of(bodies: Mapping[int, bytes]) -> World:
    """A world with only these tasks."""
    world = World(tasks=0)
    for task_id, body in bodies.items():
        world.put(task_id, body)
    return world


def synced(database: Secret, bodies: Mapping[int, bytes]) -> Result:
    with Sandbox(world_of(bodies)) as sandbox:
        return sync(sandbox, database)


def test_a_text_is_stored_to_the_character_in_every_place(each_database: Secret, query: Query) -> None:
    bodies = {FIRST + number: hostile(FIRST + number, text) for number, text in enumerate(TEXTS)}

    result = synced(each_database, bodies)
    assert (result.status, result.counts.tasks_failed, result.counts.values_unreadable) == ("ok", 0, 0)
    found = query(
        each_database,
        """
        SELECT task.text, note.text, note.activity_action, approval.choice, file.name, first.field_name,
               first.value_text, other.field_type, other.field_name
        FROM pyrus.tasks AS task
        JOIN pyrus.notes AS note USING (task_id)
        JOIN pyrus.approvals AS approval USING (task_id)
        JOIN pyrus.attachments AS file USING (task_id)
        JOIN pyrus.form_values AS first USING (task_id)
        JOIN pyrus.form_values AS other USING (task_id)
        WHERE first.value_no = 1 AND other.value_no = 2
        ORDER BY task_id
        """,
    )
    assert found == [(text, text, text, text or "Waiting", text, text, text, text, text) for text in TEXTS.values()]


def test_keys_and_texts_in_jsonb_are_the_same_as_in_columns(each_database: Secret) -> None:
    bodies = {FIRST + number: hostile(FIRST + number, text) for number, text in enumerate(TEXTS)}
    same_persons = {task_id: body.replace(b'"Id": 6', b'"Id": %d' % task_id) for task_id, body in bodies.items()}

    synced(each_database, same_persons)
    assert_tables_equal_world(each_database, same_persons)


def test_bytes_that_are_not_utf_8_are_replaced(database: Secret, query: Query) -> None:
    bodies = {1: hostile(1, "caf?").replace(b"?", b"\xe9")}

    assert synced(database, bodies).status == "ok"
    assert query(database, "SELECT text FROM pyrus.tasks") == [("caf\ufffd",)]
    assert query(database, "SELECT value_json FROM pyrus.form_values WHERE value_no = 2") == [
        ({"caf\ufffd": {"caf\ufffd": ["caf\ufffd"]}},)
    ]
    assert_tables_equal_world(database, bodies)


def test_megabytes_of_text_are_stored_whole(database: Secret, query: Query) -> None:
    """No index contains a user's text."""
    bodies = {1: hostile(1, ("Ω and so on " * 100_000)[:1_000_000])}

    assert synced(database, bodies).status == "ok"
    assert query(database, "SELECT length(text) FROM pyrus.tasks") == [(1_000_000,)]
    assert query(database, "SELECT length(field_type), length(field_name) FROM pyrus.form_values") == [
        (len("Text"), 1_000_000),
        (1_000_000, 1_000_000),
    ]


NULLED: dict[str, Any] = {
    "no author": {"Author": None},
    "no arrays": {"Projects": None, "Approvals": None, "Form": None, "Notes": None},
    "arrays of nulls": {"Projects": [None], "Approvals": [None, [None]], "Form": [None], "Notes": [None]},
    "a note of nulls": {
        "Notes": [
            dict.fromkeys(
                ["Id", "TaskId", "UserId", "CreateDate", "Author", "Text", "DueDateRemoved", "Attachments", "Form"]
            )
        ]
    },
    "objects without ids": {"Author": {"LastName": "x"}, "Projects": [{"Name": "x"}], "Notes": [{"Attachments": [{}]}]},
    "only an id": {},
}


@pytest.mark.parametrize("properties", NULLED.values(), ids=NULLED.keys())
def test_a_nearly_empty_task_is_stored(database: Secret, properties: dict[str, Any]) -> None:
    bodies = {1: json.dumps({"TaskWithNotes": {"Id": 1, **properties}}).encode()}

    result = synced(database, bodies)
    assert (result.status, result.counts.tasks_changed, result.counts.values_unreadable) == ("ok", 1, 0)
    assert_tables_equal_world(database, bodies)


DATES = {
    "/Date(1700000000123)/": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    "/Date(1700000000123+0330)/": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    "/Date(1700000000123-0800)/": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    "/Date(-1)/": datetime(1969, 12, 31, 23, 59, 59, 999000, UTC),
    "/Date(-62135596800000)/": datetime(1, 1, 1, tzinfo=UTC),
    "/Date(253402300799999)/": datetime(9999, 12, 31, 23, 59, 59, 999000, UTC),
    "/Date(253402300800000)/": None,
    "/Date(-62135596800001)/": None,
    "/Date(99999999999999999999)/": None,
    "yesterday": None,
    "": None,
}


def test_dates_keep_their_milliseconds_and_impossible_ones_are_null_and_counted(
    each_database: Secret, query: Query
) -> None:
    bodies = {
        number: json.dumps({"TaskWithNotes": {"Id": number, "CreateDate": text, "DueDate": text}}).encode()
        for number, text in enumerate(DATES, 1)
    }

    result = synced(each_database, bodies)
    columns = "create_date AT TIME ZONE 'UTC', due_date"
    assert query(each_database, f"SELECT {columns} FROM pyrus.tasks ORDER BY task_id") == [
        (instant and instant.replace(tzinfo=None), instant and instant.date()) for instant in DATES.values()
    ]
    assert (result.status, result.counts.values_unreadable) == ("ok", 2 * 5)
    assert query(each_database, "SELECT values_unreadable FROM pyrus.sync_runs") == [(10,)]


def test_ids_are_kept_to_63_bits(each_database: Secret, query: Query) -> None:
    ids = [2**53 + 1, 2**62 + 1, 2**63 - 1]
    bodies = {one: json.dumps({"TaskWithNotes": {"Id": one, "ParentTaskId": one - 1}}).encode() for one in ids}

    assert synced(each_database, bodies).status == "ok"
    assert query(each_database, "SELECT task_id, parent_task_id FROM pyrus.tasks ORDER BY 1") == [
        (one, one - 1) for one in ids
    ]


def test_ids_beyond_63_bits_are_null_or_no_row(database: Secret, query: Query) -> None:
    beyond = {"Id": 2**63, "Name": "x", "LastName": "x"}
    task = {
        "Id": 1,
        "ParentTaskId": 2**63,
        "Author": beyond,
        "Projects": [beyond],
        "Notes": [{"Attachments": [beyond]}],
    }
    bodies = {1: json.dumps({"TaskWithNotes": task}).encode()}

    result = synced(database, bodies)
    assert (result.status, result.counts.values_unreadable) == ("ok", 4)
    assert_tables_equal_world(database, bodies)
    assert query(database, "SELECT payload #>> '{TaskWithNotes,ParentTaskId}' FROM pyrus.raw_tasks") == [(str(2**63),)]


AMOUNTS = [
    "0",
    "-0.00",
    "1234567890123456789012345678901234567890",
    "0.1234567890123456789012345678901234567890",
    "1E+30",
    "1.50e-10",
    "9" * 1000,
    "1E+131071",
    "1E-16383",
]


def test_amounts_keep_every_digit(each_database: Secret, query: Query) -> None:
    values = [f'{{"Field": {{"Type": "Decimal"}}, "Decimal": {amount}}}' for amount in AMOUNTS]
    bodies = {1: f'{{"TaskWithNotes": {{"Id": 1, "Form": [{", ".join(values)}]}}}}'.encode()}

    assert synced(each_database, bodies).counts.values_unreadable == 0
    assert query(each_database, "SELECT value_number FROM pyrus.form_values ORDER BY value_no") == [
        (Decimal(amount),) for amount in AMOUNTS
    ]


@pytest.mark.parametrize("amount", ["1E+200000", "1E-20000", "-1e999999"])
def test_a_number_that_postgresql_cannot_store_sets_aside_only_its_task(
    each_database: Secret, query: Query, amount: str
) -> None:
    """jsonb cannot store it either, so the body is stored only in sync_errors."""
    good = {number: json.dumps({"TaskWithNotes": {"Id": number}}).encode() for number in range(1, 40)}
    bad = {77: f'{{"TaskWithNotes": {{"Id": 77, "Form": [{{"Decimal": {amount}}}]}}}}'.encode()}

    result = synced(each_database, good | bad)
    assert (result.counts.tasks_changed, result.counts.tasks_failed) == (39, 1)
    assert_tables_equal_world(each_database, good)
    ((task_id, stage, error, attempts),) = query(
        each_database, "SELECT task_id, stage, error, attempts FROM pyrus.sync_errors WHERE resolved_at IS NULL"
    )
    assert (task_id, stage, attempts) == (77, "load", 1)
    assert error.startswith("PostgreSQL refuses rows of pyrus.")


def bodies_that_cannot_be_read() -> Iterator[bytes]:
    yield b"{not json"
    yield b"[]"
    yield b'{"TaskWithNotes": null}'
    yield b'{"TaskWithNotes": {"Id": null}}'
    yield b'{"TaskWithNotes": {"Id": "1"}}'
    yield b'{"TaskWithNotes": {"Id": 9223372036854775808}}'
    yield b'{"TaskWithNotes": {"Id": 4711}}'


@pytest.mark.usefixtures("impatient")
def test_bodies_that_cannot_be_read_are_set_aside_with_their_text(database: Secret, query: Query) -> None:
    bad = dict(enumerate(bodies_that_cannot_be_read(), 1))
    good = {FULL_ID: FULL}

    result = synced(database, bad | good)
    assert (result.counts.tasks_changed, result.counts.tasks_failed) == (1, len(bad))
    assert_tables_equal_world(database, good)
    assert query(database, "SELECT task_id, stage, payload FROM pyrus.sync_errors ORDER BY 1") == [
        (number, "decode", body.decode()) for number, body in bad.items()
    ]


def test_a_set_aside_task_is_stored_as_soon_as_possible(database: Secret, query: Query) -> None:
    world = world_of({1: b'{"TaskWithNotes": {"Id": 1, "New": 1E+200000}}', FULL_ID: FULL})
    with Sandbox(world) as sandbox:
        sync(sandbox, database)
        world.put(1, b'{"TaskWithNotes": {"Id": 1, "New": 1}}')
        result = sync(sandbox, database)

    assert (result.counts.tasks_changed, result.counts.tasks_failed) == (1, 0)
    assert query(database, "SELECT task_id, resolved_at IS NOT NULL FROM pyrus.sync_errors") == [(1, True)]
    assert_tables_equal_world(database, world)
