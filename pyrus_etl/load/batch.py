"""A batch of tasks → the tables: changed tasks are replaced whole, unchanged ones are left alone."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import UNSET

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.copy import Row, copy, delete, merge, update
from pyrus_etl.postgres.faults import CHECK_DEFERRED
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.raw import RawTaskRow, raw_tasks
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER, PARTS, Part, Rows

NO_CLAIMS: Mapping[Part, Collection[int]] = {}

_COLUMNS = written_columns(OWNER)
_DEFAULTS = {column.name: False for column in OWNER.columns if not (column.nullable or column.primary_key)}


class TaskLoad(NamedTuple):
    """One task to load. `asked_again`: its stored body was doubted when the run began."""

    task_id: int
    rows: Rows
    asked_again: bool = False

    @property
    def raw(self) -> RawTaskRow | None:
        """The row of its body; None if only a part of the task was served."""
        found: list[Any] = self.rows.owned[raw_tasks]
        return found[0] if found else None

    @property
    def listed_date(self) -> datetime | None:
        """The date under which the task is listed; None if it is not known."""
        return self.raw.listed_date if self.raw else None


class _Stored(NamedTuple):
    """What is stored of a task; the hash is None if its body was removed."""

    payload_sha256: str | None
    read_by: int | None
    listed_date: datetime | None


def load(connection: Connection, tasks: Sequence[TaskLoad]) -> set[int]:
    """Writes the tasks inside the caller's transaction and returns the ids of those that changed.

    If a task occurs twice, the later one counts. Safe to repeat: a body that is already stored changes nothing.
    """
    if not tasks:
        return set()
    latest = {task.task_id: task for task in tasks}
    stored = _stored(connection, list(latest))
    changed = {id_: task for id_, task in latest.items() if not _is_stored(task.raw, stored.get(id_))}
    load_rows(connection, {task_id: task.rows for task_id, task in changed.items()}, stored.keys())
    _mark_unchanged(connection, [task for id_, task in latest.items() if id_ not in changed], stored)
    _unmark_deleted(connection, list(latest))
    return set(changed)


def load_rows(connection: Connection, tasks: Mapping[int, Rows], stored: Set[int] | None = None) -> None:
    """Writes the rows of tasks. `stored` (None: all) are the tasks that exist already: their old rows are replaced."""
    rows = Rows()
    rows.extend(tasks.values())
    owners = tasks.keys() if stored is None else stored & tasks.keys()
    claims = {part: [owner for owner in owners if part in tasks[owner].claims] for part in PARTS}
    write(connection, rows, owners, claims)
    connection.execute(CHECK_DEFERRED)


def unchanged(connection: Connection, listed: Sequence[tuple[int, datetime | None]]) -> set[int]:
    """The ids of the listed tasks that are stored with the date that the list has now."""
    query = """
        SELECT listed.task_id FROM unnest(%s::bigint[], %s::timestamptz[]) AS listed (task_id, listed_date)
        JOIN pyrus.raw_tasks AS raw USING (task_id) JOIN pyrus.tasks AS task USING (task_id)
        WHERE task.deleted_at IS NULL AND listed.listed_date IN (raw.listed_date, task.modified_date)
    """
    found = connection.execute(query, [[task_id for task_id, _ in listed], [date for _, date in listed]])
    return {task_id for (task_id,) in found}


def write(
    connection: Connection,
    rows: Rows,
    stored: Set[int] = frozenset(),
    claims: Mapping[Part, Collection[int]] = NO_CLAIMS,
) -> None:
    """Writes rows of any tables, and replaces the stored rows of each part that is claimed.

    `stored`: the tasks in `rows` that are already stored; any other task must be new. `claims`: part → the tasks that
    replace it.
    """
    for table in MERGED:
        merge(connection, table, sorted(rows.merged[table].values()))
    _update_tasks(connection, [task for task in rows.owned[OWNER] if task[0] in stored])
    copy(connection, OWNER, [_completed(task) for task in rows.owned[OWNER] if task[0] not in stored])
    for part, owners in claims.items():
        delete(connection, part.table, owners, part.condition)
    for table in OWNED:
        copy(connection, table, rows.owned[table])


def _update_tasks(connection: Connection, tasks: Sequence[Row]) -> None:
    """Overwrites the given columns of stored tasks, and leaves those that are UNSET."""
    by_columns: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for task in tasks:
        given = [(name, value) for name, value in zip(_COLUMNS, task, strict=True) if value is not UNSET]
        names, values = zip(*given, strict=True)
        by_columns[names].append(values)
    for names, rows in by_columns.items():
        update(connection, OWNER, names, rows)


def _completed(task: Row) -> Row:
    """A new task with a value in every column: if none is given, false for a flag, else null."""
    return tuple(_DEFAULTS.get(name) if value is UNSET else value for name, value in zip(_COLUMNS, task, strict=True))


def _stored(connection: Connection, task_ids: list[int]) -> dict[int, _Stored]:
    query = """
        SELECT task_id, payload_sha256, read_by, listed_date FROM pyrus.tasks LEFT JOIN pyrus.raw_tasks USING (task_id)
        WHERE task_id = ANY(%s)
    """
    return {task_id: _Stored(*found) for task_id, *found in connection.execute(query, [task_ids])}


def _is_stored(raw: RawTaskRow | None, stored: _Stored | None) -> bool:
    """Whether the rows of this body are already stored, made by the same reader."""
    return (
        raw is not None
        and stored is not None
        and (raw.payload_sha256, raw.read_by) == (stored.payload_sha256, stored.read_by)
    )


def _stays_doubted(raw: RawTaskRow, stored: _Stored, *, asked_again: bool) -> bool:
    """Whether the stored body is still doubted when it is served again: not if the run asked because of the doubt.

    If a list has a later date since then, the task has changed again, and that is a new doubt.
    """
    listed_later = raw.listed_date and stored.listed_date and raw.listed_date > stored.listed_date
    return raw.is_doubted and not (asked_again and not listed_later)


def _mark_unchanged(connection: Connection, tasks: Sequence[TaskLoad], stored: Mapping[int, _Stored]) -> None:
    """Stores the dates of unchanged tasks in the lists, so that they are not fetched again, and their doubts."""
    marks = [
        (raw.task_id, raw.listed_date, _stays_doubted(raw, stored[raw.task_id], asked_again=task.asked_again))
        for task in tasks
        if (raw := task.raw)
    ]
    if not marks:
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
        [list(column) for column in zip(*marks, strict=True)],
    )


def _unmark_deleted(connection: Connection, task_ids: list[int]) -> None:
    """Takes back the mark of deletion: a task that can be fetched is not deleted."""
    connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s) AND deleted_at IS NOT NULL", [task_ids]
    )
