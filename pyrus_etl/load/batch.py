"""A batch of tasks → the tables: what changed is replaced whole, what did not is left alone."""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import NamedTuple

from pyrus_etl.load.connection import Connection
from pyrus_etl.load.copy import copy, merge, replace
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER, Rows


class TaskLoad(NamedTuple):
    """One task on its way into the tables; `rows` holds its raw body too."""

    task_id: int
    payload_sha256: str
    listed_date: datetime | None
    rows: Rows


def load(connection: Connection, tasks: Sequence[TaskLoad]) -> set[int]:
    """Writes the tasks inside the caller's transaction and returns the ids of those that changed.

    Where a task stands twice, the later one counts. Safe to repeat: a body that is stored already changes nothing.
    """
    if not tasks:
        return set()
    latest = {task.task_id: task for task in tasks}
    stored = _stored_hashes(connection, list(latest))
    changed = {task_id: task for task_id, task in latest.items() if stored.get(task_id) != task.payload_sha256}
    unchanged = [task for task_id, task in latest.items() if task_id not in changed]
    rows = Rows()
    rows.extend(task.rows for task in changed.values())
    write(connection, rows, owners=stored.keys() & changed.keys())
    _keep_listed_dates(connection, unchanged)
    _unmark_deleted(connection, list(latest))
    return set(changed)


def unchanged(connection: Connection, listed: Sequence[tuple[int, datetime | None]]) -> set[int]:
    """The ids of those listed tasks that are stored with the date under which they are listed now."""
    query = """
        SELECT told.task_id FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (task_id, listed_date)
        JOIN pyrus.raw_tasks AS raw USING (task_id) JOIN pyrus.tasks AS task USING (task_id)
        WHERE task.deleted_at IS NULL AND told.listed_date IN (raw.listed_date, task.modified_date)
    """
    found = connection.execute(query, [[task_id for task_id, _ in listed], [date for _, date in listed]])
    return {task_id for (task_id,) in found}


def write(connection: Connection, rows: Rows, owners: Set[int] = frozenset()) -> None:
    """Writes rows of any tables; what the owners had in the owned tables is replaced.

    The owners are those of the tasks that are stored already; any other task has to be new.
    """
    for table in MERGED:
        merge(connection, table, sorted(rows.merged[table].values()), keep_untold=True)
    merge(connection, OWNER, [task for task in rows.owned[OWNER] if task[0] in owners], keep_untold=False)
    copy(connection, OWNER, [task for task in rows.owned[OWNER] if task[0] not in owners])
    for table in OWNED:
        replace(connection, table, rows.owned[table], owners)


def _stored_hashes(connection: Connection, task_ids: list[int]) -> dict[int, str | None]:
    """The hash of the body of each task that is stored; None where somebody has removed the body."""
    query = """
        SELECT task_id, payload_sha256 FROM pyrus.tasks LEFT JOIN pyrus.raw_tasks USING (task_id)
        WHERE task_id = ANY(%s)
    """
    return dict(connection.execute(query, [task_ids]).fetchall())


def _keep_listed_dates(connection: Connection, unchanged: list[TaskLoad]) -> None:
    """Remembers under which date an unchanged task was listed, so that it is not fetched for that date again."""
    dates = [(task.task_id, task.listed_date) for task in unchanged if task.listed_date is not None]
    if not dates:
        return
    connection.execute(
        """
        UPDATE pyrus.raw_tasks AS raw SET listed_date = told.listed_date
        FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (task_id, listed_date)
        WHERE raw.task_id = told.task_id AND raw.listed_date IS DISTINCT FROM told.listed_date
        """,
        [[task_id for task_id, _ in dates], [date for _, date in dates]],
    )


def _unmark_deleted(connection: Connection, task_ids: list[int]) -> None:
    """What could be fetched is there."""
    connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s) AND deleted_at IS NOT NULL", [task_ids]
    )
