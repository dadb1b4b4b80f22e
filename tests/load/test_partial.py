"""A task that was served in part, as in a list: it replaces the parts that it gives, and nothing else."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pyrus_etl.load.tasks.batch import load
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.form import FormField, FormValue
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project
from pyrus_etl.model.task import Approval, Note, Task
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.settings import Secret
from tests.load.test_batch import loaded
from tests.loads import ACCOUNT
from tests.normalize.reading import FULL, FULL_ID
from tests.oracle import COLUMNS, Tables, read_tables

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOTES = {"notes", "note_projects", "note_approvals", "note_form_values", "form_value_items"}
FORM = [FormValue(FormField(1, "Text", "what"), value="new")]


@pytest.fixture
def connection(database: Secret) -> Iterator[Connection]:
    with connect(database) as opened:
        yield opened


def load_part(connection: Connection, **given: Any) -> None:
    """Loads a part of the task, as one batch in a transaction of its own."""
    with connection.transaction():
        load(connection, ACCOUNT, [TaskLoad(FULL_ID, task_rows(Task(id=FULL_ID, **given)))])


def changed_tables(before: Tables, after: Tables) -> set[str]:
    return {table for table in COLUMNS if before[table] != after[table]}


@pytest.mark.parametrize(
    ("given", "replaced"),
    [
        ({"modified_date": NOW}, {"tasks"}),
        ({"text": None}, {"tasks"}),
        ({"author": Person(999, "Ann")}, {"tasks", "persons"}),
        ({"due_date": date(2026, 1, 1), "asap": False}, {"tasks"}),
        ({"is_any_rejected": False}, {"tasks"}),
        ({"projects": []}, {"tasks", "task_projects"}),
        ({"projects": [Project(999, "P")]}, {"tasks", "task_projects", "projects"}),
        ({"approvals": None}, {"approvals"}),
        ({"approvals": [[Approval(choice="Approved")]]}, {"approvals"}),
        ({"form": []}, {"form_values", "form_value_items"}),
        ({"form": FORM}, {"form_values", "form_value_items"}),
        ({"notes": []}, NOTES),
        ({"notes": [Note(text="new")]}, NOTES),
        ({"notes": [], "form": []}, NOTES | {"form_values", "attachments"}),
    ],
    ids=lambda names: "+".join(sorted(names)),
)
def test_a_partial_task_replaces_only_the_parts_that_it_gives(
    database: Secret, connection: Connection, given: dict[str, Any], replaced: set[str]
) -> None:
    loaded(connection, FULL)
    before = read_tables(database)

    load_part(connection, **given)
    assert changed_tables(before, read_tables(database)) == replaced


def test_dates_and_form_values_delete_no_note_null_no_text_and_replace_no_body(
    database: Secret, connection: Connection
) -> None:
    loaded(connection, FULL)
    before = read_tables(database)
    columns = COLUMNS["tasks"][1].split()

    load_part(connection, create_date=NOW, modified_date=NOW, close_date=None, form=FORM)
    after = read_tables(database)
    (task,), (was,) = after["tasks"].values(), before["tasks"].values()
    new = {name for name, now, then in zip(columns, task, was, strict=True) if now != then}
    assert new <= {"create_date", "modified_date", "close_date", "is_closed"}
    assert changed_tables(before, after) == {"tasks", "form_values", "form_value_items"}
    assert len(after["form_values"]) == 1
    assert connection.execute("SELECT count(*) FROM pyrus.raw_tasks").fetchone() == (1,)


def test_a_part_of_a_new_task_is_a_row_with_nulls_and_no_flags(connection: Connection) -> None:
    load_part(connection, modified_date=NOW)

    found = connection.execute("SELECT task_id, text, asap, is_any_rejected, modified_date FROM pyrus.tasks")
    assert found.fetchall() == [(FULL_ID, None, False, False, NOW)]
