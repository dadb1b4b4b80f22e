"""The database as a reader sees it, during a run and after it."""

from datetime import datetime
from typing import Any, NamedTuple

from pyrus_etl.settings import Secret
from tests.simulation.connection import Connection, Steady

OWNED = (
    "tasks",
    "task_projects",
    "notes",
    "note_projects",
    "approvals",
    "note_approvals",
    "form_values",
    "note_form_values",
    "attachments",
)
SHARED = {
    "persons": "person_id",
    "organizations": "organization_id",
    "projects": "project_id",
    "form_fields": "ARRAY[form_id, field_id]::text",
}

HALVES = """
    SELECT task_id FROM pyrus.tasks AS task FULL JOIN pyrus.raw_tasks AS raw USING (task_id)
    WHERE task.task_id IS NULL OR (raw.task_id IS NULL) <> (detail_at IS NULL)
    OR (SELECT count(*) FROM pyrus.notes WHERE notes.task_id = raw.task_id)
        <> jsonb_array_length(coalesce(payload #> '{TaskWithNotes,Notes}', payload #> '{task,comments}', '[]'))
    OR api = 'v3' AND (SELECT count(*) FROM pyrus.form_values WHERE form_values.task_id = raw.task_id)
        <> jsonb_array_length(coalesce(payload #> '{TaskWithNotes,Form}', '[]'))
    OR task.modified_date <> CASE api
        WHEN 'v4' THEN (payload #>> '{task,last_modified_date}')::timestamptz
        ELSE to_timestamp(substring(payload #>> '{TaskWithNotes,ModifiedDate}' FROM '-?[0-9]+')::numeric / 1000)
    END
"""
"""Tasks whose notes, form or raw body are missing, or belong to another version of the task. A task of API v4 has no
body as long as only its row in a register or a list is known."""


class StoredTask(NamedTuple):
    """A task as it is stored."""

    digest: str
    listed_date: datetime | None
    modified_date: datetime | None
    deleted_at: datetime | None


class Stored(NamedTuple):
    """The database at an instant.

    `written`: the transactions that wrote the rows of each task, or a shared row. `doubted`: tasks that the next run
    fetches whatever the lists show.
    """

    tasks: dict[int, StoredTask]
    written: dict[tuple[str, int | str], Any]
    cursor: datetime | None
    set_aside: set[int]
    doubted: set[int]


class Reader:
    """Reads the database on its own connection."""

    def __init__(self, database: Secret) -> None:
        self._connection = Steady(database, "reader")
        self.looks = 0

    def close(self) -> None:
        self._connection.close()

    def halves(self) -> list[int]:
        """Returns the tasks that are partly stored."""
        self.looks += 1
        return [task_id for (task_id,) in self._connection.execute(HALVES)]

    def stored(self) -> Stored:
        return self._connection.do(_stored)


def _stored(connection: Connection) -> Stored:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        tasks = connection.execute(
            "SELECT task_id, payload_sha256, listed_date, modified_date, deleted_at "
            "FROM pyrus.tasks JOIN pyrus.raw_tasks USING (task_id) LEFT JOIN pyrus.task_sightings USING (task_id)"
        ).fetchall()
        cursor = connection.execute("SELECT cursor FROM pyrus.sync_cursors").fetchone()
        errors = connection.execute("SELECT task_id FROM pyrus.sync_errors WHERE resolved_at IS NULL").fetchall()
        doubted = connection.execute("SELECT task_id FROM pyrus.raw_tasks WHERE is_doubted").fetchall()
        return Stored(
            {task_id: StoredTask(*row) for task_id, *row in tasks},
            _written(connection),
            cursor[0] if cursor else None,
            {task_id for (task_id,) in errors},
            {task_id for (task_id,) in doubted},
        )


def _written(connection: Connection) -> dict[tuple[str, int | str], Any]:
    written: dict[tuple[str, int | str], Any] = {}
    for table in OWNED:
        rows = connection.execute(
            f"SELECT task_id, array_agg(xmin::text ORDER BY xmin::text) FROM pyrus.{table} GROUP BY 1".encode()
        )
        written |= {(table, task_id): found for task_id, found in rows}
    for table, key in SHARED.items():
        rows = connection.execute(f"SELECT {key}, xmin::text, to_jsonb(shared) FROM pyrus.{table} AS shared".encode())
        written |= {(table, id_): (xmin, row) for id_, xmin, row in rows}
    return written
