"""A batch of tasks → the tables: changed tasks are replaced whole, unchanged ones are left alone."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from pyrus_etl.load.sharing.sightings import compare
from pyrus_etl.load.tasks.batch import load, write
from pyrus_etl.model.person import Contacts, Organization, Person
from pyrus_etl.normalize.person import contact_rows
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.settings import Secret
from tests.loads import ACCOUNT, FETCHED, task_load
from tests.normalize.reading import FULL, FULL_ID
from tests.oracle import COLUMNS, read_tables, tables_of

BARE = json.dumps({"TaskWithNotes": {"Id": FULL_ID}}).encode()
SHARED = {"persons", "projects", "organizations", "form_fields"}
CHILDREN = sorted(set(COLUMNS) - SHARED - {"tasks", "raw_tasks", "inbox_tasks"})


@pytest.fixture
def connection(database: Secret) -> Iterator[Connection]:
    with connect(database) as opened:
        yield opened


def body(task_id: int, **properties: Any) -> bytes:
    return json.dumps({"TaskWithNotes": properties | {"Id": task_id}}).encode()


def loaded(connection: Connection, *bodies: bytes) -> set[int]:
    """Loads the bodies as one batch, in a transaction of its own."""
    with connection.transaction():
        return load(connection, ACCOUNT, [task_load(served) for served in bodies])


def unchanged(connection: Connection, listed: list[tuple[int, datetime | None]]) -> frozenset[int]:
    return compare(connection, ACCOUNT, [(*each, None) for each in listed], lags=False).unchanged


def versions(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """The transaction that wrote each row of every table, and the place of the row."""
    select = "SELECT xmin::text, xmax::text, ctid::text FROM pyrus.{} ORDER BY ctid"
    return {table: connection.execute(select.format(table).encode()).fetchall() for table in COLUMNS}


def rows(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.encode()).fetchall()


def test_children_that_are_no_longer_in_the_payload_are_deleted(database: Secret, connection: Connection) -> None:
    loaded(connection, FULL)
    full = read_tables(database)
    loaded(connection, BARE)
    bare = read_tables(database)

    assert [table for table in CHILDREN if not full[table]] == []
    assert [table for table in CHILDREN if bare[table]] == []
    assert bare["tasks"] == tables_of({FULL_ID: BARE})["tasks"]
    assert bare["raw_tasks"] == tables_of({FULL_ID: BARE})["raw_tasks"]


def test_new_children_are_added(database: Secret, connection: Connection) -> None:
    loaded(connection, BARE)
    loaded(connection, FULL)

    expected = tables_of({FULL_ID: FULL}, with_contacts=False)
    assert read_tables(database) == expected


def test_a_task_whose_body_was_removed_is_replaced_like_any_other(database: Secret, connection: Connection) -> None:
    loaded(connection, FULL)
    connection.execute("DELETE FROM pyrus.raw_tasks")
    loaded(connection, BARE)

    expected, found = tables_of({FULL_ID: BARE}), read_tables(database)
    assert {table: found[table] for table in [*CHILDREN, "tasks", "raw_tasks"]} == {
        table: expected[table] for table in [*CHILDREN, "tasks", "raw_tasks"]
    }


def test_shared_rows_stay_when_no_task_mentions_them_any_more(database: Secret, connection: Connection) -> None:
    loaded(connection, FULL)
    before = read_tables(database)
    loaded(connection, BARE)

    assert {table: read_tables(database)[table] for table in ("persons", "projects")} == {
        table: before[table] for table in ("persons", "projects")
    }


def test_an_unchanged_task_is_not_written_again(connection: Connection) -> None:
    assert loaded(connection, FULL, body(2)) == {FULL_ID, 2}
    before = versions(connection)

    assert loaded(connection, body(2), FULL) == set()
    assert versions(connection) == before


def test_a_changed_task_leaves_the_others_alone(connection: Connection) -> None:
    neighbours = [body(number, Text="t", Notes=[{"Text": "n"}], Form=[{}]) for number in range(1, 20)]
    loaded(connection, *neighbours)
    of_others = "SELECT task_id, xmin::text FROM pyrus.{} WHERE task_id <> 7"
    before = [rows(connection, of_others.format(table)) for table in ("tasks", *CHILDREN, "raw_tasks")]

    assert loaded(connection, *neighbours[:6], body(7, Text="other"), *neighbours[7:]) == {7}
    assert [rows(connection, of_others.format(table)) for table in ("tasks", *CHILDREN, "raw_tasks")] == before


@pytest.mark.parametrize(
    "change",
    [
        lambda notes: notes.pop(0),
        lambda notes: notes.insert(1, {"Text": "between"}),
        lambda notes: notes.reverse(),
        lambda notes: notes[2].update(Text="edited", CreateDate="/Date(1772442000123)/"),
        lambda notes: [note.pop("Form", None) for note in notes if note],
        lambda notes: [note.pop("Attachments", None) for note in notes if note],
    ],
    ids=["gone", "between", "reversed", "edited", "without values", "without files"],
)
def test_after_any_change_of_notes_the_rows_are_those_of_the_last_body(
    database: Secret, connection: Connection, change: Callable[[list[Any]], Any]
) -> None:
    task = json.loads(FULL)
    change(task["TaskWithNotes"]["Notes"])
    changed = json.dumps(task).encode()
    loaded(connection, FULL)
    loaded(connection, changed)

    found, expected = read_tables(database), tables_of({FULL_ID: changed}, with_contacts=False)
    assert {table: found[table] for table in found if table not in SHARED} == {
        table: expected[table] for table in expected if table not in SHARED
    }


def test_if_a_task_is_twice_in_a_batch_the_later_one_counts(connection: Connection) -> None:
    first = body(1, Text="earlier", Notes=[{"Text": "a"}, {"Text": "b"}], Author={"Id": 5, "LastName": "Old"})
    second = body(1, Text="later", Notes=[{"Text": "c"}], Author={"Id": 5, "LastName": "New"})

    assert loaded(connection, first, second) == {1}
    assert rows(connection, "SELECT text FROM pyrus.tasks") == [("later",)]
    assert rows(connection, "SELECT text FROM pyrus.notes") == [("c",)]
    assert rows(connection, "SELECT last_name FROM pyrus.persons") == [("New",)]


def test_the_same_person_and_project_in_many_tasks_of_a_batch_are_one_row(connection: Connection) -> None:
    """A value that one task gives and another does not is kept."""
    loaded(
        connection,
        body(1, Author={"Id": 5, "FirstName": "Ann"}, Projects=[{"Id": 8, "Name": "Leaf", "Parent": {"Id": 9}}]),
        body(2, Author={"Id": 5, "LastName": "Lee"}, Projects=[{"Id": 8}, {"Id": 9, "Name": "Root"}]),
        body(3, Author={"Id": 5}, Projects=[{"Id": 8, "Name": None, "Parent": None}]),
    )

    assert rows(connection, "SELECT first_name, last_name FROM pyrus.persons") == [("Ann", "Lee")]
    assert rows(connection, "SELECT project_id, name, parent_id FROM pyrus.projects ORDER BY 1") == [
        (8, "Leaf", 9),
        (9, "Root", None),
    ]


def test_a_person_known_from_the_contacts_is_not_blanked_by_a_task(connection: Connection) -> None:
    known = Person(5, "Ann", "Lee", "ann@lee.example", can_send_notification=True)
    with connection.transaction():
        write(connection, contact_rows(Contacts([Organization(3, "Lee & Co", [known])])))
    loaded(connection, body(1, Author={"Id": 5, "LastName": "Lee-Marsh", "Email": None}))

    everything = "SELECT first_name, last_name, email, organization_id, can_send_notification FROM pyrus.persons"
    assert rows(connection, everything) == [("Ann", "Lee-Marsh", "ann@lee.example", 3, True)]


def test_what_a_form_defines_is_not_changed_by_values(connection: Connection) -> None:
    """A body may be older than the definition. Fields that the definition does not have are known from values."""
    form = {"Form": [{"Field": {"Id": 1, "Type": "Text", "Name": "old"}}, {"Field": {"Id": 2, "Name": "gone"}}]}
    connection.execute(
        "INSERT INTO pyrus.form_fields (form_id, field_id, field_name, in_rows, position) "
        "VALUES (8, 1, 'new', false, 1)"
    )
    loaded(connection, body(1, Projects=[{"Id": 8}], **form))

    fields = "SELECT field_id, field_type, field_name FROM pyrus.form_fields ORDER BY 1"
    assert rows(connection, fields) == [(1, None, "new"), (2, None, "gone")]


def test_a_person_who_is_twice_in_the_contacts_keeps_the_organization(connection: Connection) -> None:
    known = Person(1, "Ann", "Lee", "ann@example.com")
    contacts: list[Organization | None] = [Organization(None, "Guests", [known]), Organization(3, "Lee & Co", [known])]
    with connection.transaction():
        write(connection, contact_rows(Contacts(contacts)))

    assert rows(connection, "SELECT person_id, organization_id FROM pyrus.persons") == [(1, 3)]


def test_contacts_that_did_not_change_are_not_written_again(connection: Connection) -> None:
    contacts = Contacts([Organization(3, "Lee & Co", [Person(5, "Ann"), Person(6, None, "Bo")]), Organization(4)])
    for _ in range(2):
        with connection.transaction():
            write(connection, contact_rows(contacts))
    before = versions(connection)
    with connection.transaction():
        write(connection, contact_rows(contacts))

    assert versions(connection) == before


@pytest.mark.parametrize("served", [FULL, BARE], ids=["unchanged", "changed"])
def test_a_task_that_could_be_fetched_again_is_no_longer_deleted(connection: Connection, served: bytes) -> None:
    loaded(connection, FULL)
    connection.execute("UPDATE pyrus.tasks SET deleted_at = now()")
    loaded(connection, served)

    assert rows(connection, "SELECT deleted_at FROM pyrus.tasks") == [(None,)]


def test_the_state_of_contents_survives_a_change_of_the_task(connection: Connection) -> None:
    loaded(connection, FULL)
    connection.execute(
        "INSERT INTO pyrus.attachment_contents (task_id, attachment_id, status) VALUES (%s, 9001, 'stored')", [FULL_ID]
    )
    loaded(connection, BARE)

    assert rows(connection, "SELECT attachment_id, status FROM pyrus.attachment_contents") == [(9001, "stored")]


def test_nothing_of_a_refused_batch_is_stored(database: Secret, connection: Connection) -> None:
    loaded(connection, body(1, Text="before"))

    with pytest.raises(psycopg.DataError):
        loaded(connection, body(1, Text="after"), body(2), b'{"TaskWithNotes": {"Id": 3, "New": 1E+200000}}', body(4))
    assert read_tables(database) == tables_of({1: body(1, Text="before")}, with_contacts=False)


def test_a_listed_task_is_unchanged_only_under_the_date_that_is_stored(connection: Connection) -> None:
    later = FETCHED + timedelta(milliseconds=1)
    with connection.transaction():
        load(connection, ACCOUNT, [task_load(body(1)), task_load(body(2), None)])
        connection.execute("UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = 2")
        load(connection, ACCOUNT, [task_load(body(3))])
        connection.execute("UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = 3")

    assert unchanged(connection, [(1, FETCHED), (2, None), (3, FETCHED), (4, FETCHED)]) == {1}
    assert unchanged(connection, [(1, later)]) == set()
    assert unchanged(connection, [(1, None)]) == set()


def test_an_unchanged_body_under_a_new_date_is_not_fetched_for_that_date_again(connection: Connection) -> None:
    later = FETCHED + timedelta(days=1)
    loaded(connection, body(1))
    with connection.transaction():
        assert load(connection, ACCOUNT, [task_load(body(1), later)]) == set()

    assert unchanged(connection, [(1, later)]) == {1}


def test_an_empty_batch_is_not_an_error(connection: Connection) -> None:
    assert loaded(connection) == set()


def test_a_batch_of_a_thousand_tasks_is_stored_whole(database: Secret, connection: Connection) -> None:
    notes = [{"Text": "n", "Form": [{"Field": {"Type": "Text"}, "Text": "x"}]}] * 3
    approvals = [[{"Person": {"Id": 5}}, {"Person": {"Id": 6}}]] * 2
    bodies = {number: body(number, Notes=notes, Approvals=approvals) for number in range(1, 1001)}
    loaded(connection, *bodies.values())

    assert read_tables(database) == tables_of(bodies, with_contacts=False)


def test_the_fields_of_a_form_are_merged_and_known_ones_are_not_written_again(connection: Connection) -> None:
    def form(*fields: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"Field": field} for field in fields]

    what, sum_, stored = (
        {"Id": 1, "Type": "Text", "Name": "What"},
        {"Id": 2, "Type": "Decimal", "Name": "Sum"},
        "SELECT field_id, field_type, field_name, xmin::text FROM pyrus.form_fields ORDER BY 1",
    )
    loaded(connection, body(1, Projects=[{"Id": 5}], Form=form(what, sum_)))
    before = rows(connection, stored)
    loaded(connection, body(2, Projects=[{"Id": 5}], Form=form(what, {"Id": 2, "Name": "Total"}, {"Id": 3})))
    after = rows(connection, stored)

    assert after[0] == before[0]
    assert [row[:3] for row in after[1:]] == [(2, "Decimal", "Total"), (3, None, None)]
