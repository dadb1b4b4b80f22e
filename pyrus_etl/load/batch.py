"""A batch of tasks → the tables: what changed is replaced whole, what did not is left alone."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy import Table

from pyrus_etl.load.connection import Connection
from pyrus_etl.load.copy import Row, copy, merge, replace, update
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER, Rows

NO_CLAIMS: Mapping[Table, Collection[int]] = {}

_COLUMNS = OWNER.columns.keys()
_DEFAULTS = {column.name: False for column in OWNER.columns if not column.nullable and not column.primary_key}


class TaskLoad(NamedTuple):
    """One task on its way into the tables.

    `rows` holds its raw body too; if only a part of the task was served, there is none, and no `payload_sha256`.
    `is_doubted`: the body may be older than the task. `asked_again`: that was so when the run began.
    """

    task_id: int
    payload_sha256: str | None
    listed_date: datetime | None
    rows: Rows
    is_doubted: bool = False
    asked_again: bool = False


class _Stored(NamedTuple):
    """What is stored of a task; no hash if somebody has removed the body."""

    payload_sha256: str | None
    listed_date: datetime | None


def load(connection: Connection, tasks: Sequence[TaskLoad]) -> set[int]:
    """Writes the tasks inside the caller's transaction and returns the ids of those that changed.

    Where a task stands twice, the later one counts. Safe to repeat: a body that is stored already changes nothing.
    """
    if not tasks:
        return set()
    latest = {task.task_id: task for task in tasks}
    stored = _stored(connection, list(latest))
    unchanged = [task for task_id, task in latest.items() if _is_stored(task, stored.get(task_id))]
    changed = {task_id: latest[task_id] for task_id in latest.keys() - {task.task_id for task in unchanged}}
    rows = Rows()
    rows.extend(task.rows for task in changed.values())
    owners = stored.keys() & changed.keys()
    claims = {table: [owner for owner in owners if table in changed[owner].rows.claims] for table in OWNED}
    write(connection, rows, owners, claims)
    _mark_unchanged(connection, [(task, _stays_doubted(task, stored[task.task_id])) for task in unchanged])
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


def write(
    connection: Connection,
    rows: Rows,
    stored: Set[int] = frozenset(),
    claims: Mapping[Table, Collection[int]] = NO_CLAIMS,
) -> None:
    """Writes rows of any tables; of each owned table, what the tasks had that claim it is replaced.

    `stored` are the tasks in `rows` that are stored already; any other task has to be new.
    """
    for table in MERGED:
        merge(connection, table, sorted(rows.merged[table].values()))
    _update_tasks(connection, [task for task in rows.owned[OWNER] if task[0] in stored])
    copy(connection, OWNER, [_completed(task) for task in rows.owned[OWNER] if task[0] not in stored])
    for table in OWNED:
        replace(connection, table, rows.owned[table], claims.get(table, ()))


def _update_tasks(connection: Connection, tasks: Sequence[Row]) -> None:
    """Overwrites those columns of stored tasks that are given."""
    by_columns: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for task in tasks:
        given = [(name, value) for name, value in zip(_COLUMNS, task, strict=True) if value is not UNSET]
        names, values = zip(*given, strict=True)
        by_columns[names].append(values)
    for names, rows in by_columns.items():
        update(connection, OWNER, names, rows)


def _completed(task: Row) -> Row:
    """A new task with something in every column: false for a flag that is not given, else null."""
    return tuple(_DEFAULTS.get(name) if value is UNSET else value for name, value in zip(_COLUMNS, task, strict=True))


def _stored(connection: Connection, task_ids: list[int]) -> dict[int, _Stored]:
    query = """
        SELECT task_id, payload_sha256, listed_date FROM pyrus.tasks LEFT JOIN pyrus.raw_tasks USING (task_id)
        WHERE task_id = ANY(%s)
    """
    return {task_id: _Stored(*found) for task_id, *found in connection.execute(query, [task_ids])}


def _is_stored(task: TaskLoad, stored: _Stored | None) -> bool:
    return stored is not None and task.payload_sha256 is not None and stored.payload_sha256 == task.payload_sha256


def _stays_doubted(task: TaskLoad, stored: _Stored) -> bool:
    """Whether the stored body is doubted after it came again: not if a run asked again for this very reason.

    A task that was listed under a later date since then has changed again: that is another doubt.
    """
    listed_later = task.listed_date and stored.listed_date and task.listed_date > stored.listed_date
    return task.is_doubted and not (task.asked_again and not listed_later)


def _mark_unchanged(connection: Connection, tasks: list[tuple[TaskLoad, bool]]) -> None:
    """Remembers under which dates unchanged tasks were listed, so that they are not fetched again, and their doubts."""
    if not tasks:
        return
    connection.execute(
        """
        UPDATE pyrus.raw_tasks AS raw
        SET listed_date = coalesce(new.listed_date, raw.listed_date), is_doubted = new.is_doubted
        FROM unnest(%s::bigint[], %s::timestamptz[], %s::boolean[]) AS new (task_id, listed_date, is_doubted)
        WHERE raw.task_id = new.task_id
          AND (coalesce(new.listed_date, raw.listed_date), new.is_doubted)
              IS DISTINCT FROM (raw.listed_date, raw.is_doubted)
        """,
        [
            [task.task_id for task, _ in tasks],
            [task.listed_date for task, _ in tasks],
            [is_doubted for _, is_doubted in tasks],
        ],
    )


def _unmark_deleted(connection: Connection, task_ids: list[int]) -> None:
    """What could be fetched is there."""
    connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s) AND deleted_at IS NOT NULL", [task_ids]
    )
