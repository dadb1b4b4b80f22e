"""A batch of tasks → the tables: changed tasks are replaced whole, unchanged ones are left alone."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec import UNSET
from psycopg.errors import UniqueViolation

from pyrus_etl.load.readers import doubt, lock_tasks
from pyrus_etl.load.sightings import Sighting, see
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.copy import Row, copy, delete, merge, update
from pyrus_etl.postgres.faults import CHECK_DEFERRED
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.raw import RawTaskRow, raw_tasks
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER, PARTS, Part, Rows

NO_CLAIMS: Mapping[Part, Collection[int]] = {}

_COLUMNS = written_columns(OWNER)
_MODIFIED = _COLUMNS.index("modified_date")
_DEFAULTS = {column.name: False for column in OWNER.columns if not (column.nullable or column.primary_key)}


class TaskLoad(NamedTuple):
    """One task to load. `listed_date`: the date under which it is listed; None if that is not known.

    `asked_again`: its stored body was doubted when the run began.
    """

    task_id: int
    rows: Rows
    listed_date: datetime | None = None
    asked_again: bool = False

    @property
    def raw(self) -> RawTaskRow | None:
        """The row of its body; None if only a part of the task was served."""
        found: list[Any] = self.rows.owned[raw_tasks]
        return found[0] if found else None

    @property
    def modified_date(self) -> datetime | None:
        """The date of the task itself; None if it was not served."""
        date: datetime | None = self.rows.owned[OWNER][0][_MODIFIED]
        return date or None  # UNSET is false


class _Stored(NamedTuple):
    """What is stored of a task. The hash is None if it has no body, `reader` if no account reads it.

    `listed_date`: the date under which the account of this run has it.
    """

    modified_date: datetime | None
    payload_sha256: str | None
    read_by: int | None
    is_overtaken: bool | None
    served_at: datetime | None
    listed_date: datetime | None
    reader: int | None


def load(connection: Connection, account_id: int, tasks: Sequence[TaskLoad]) -> set[int]:
    """Writes tasks as served to an account, in the caller's transaction; returns the ids of those that changed.

    If a task occurs twice, the later one counts. A body that another account was served later stays. Safe to repeat: a
    body that is already stored changes nothing.
    """
    if not tasks:
        return set()
    latest = {task.task_id: task for task in tasks}
    stored = _stored(connection, account_id, list(latest))
    different = {id_: task for id_, task in latest.items() if not _is_stored(task.raw, stored.get(id_))}
    stored |= _take(connection, account_id, different)
    older = {id_ for id_, task in different.items() if id_ in stored and _is_older(task, stored[id_], account_id)}
    changed = {id_: task for id_, task in different.items() if id_ not in older}
    load_rows(connection, {id_: task.rows for id_, task in changed.items()}, stored.keys())
    _mark_overtaken(connection, [id_ for id_, task in changed.items() if not task.raw and id_ in stored])
    _mark_unchanged(connection, [task for id_, task in latest.items() if id_ not in different], stored)
    doubt(connection, [id_ for id_ in older if _is_doubtful(latest[id_], stored[id_])])
    _see(connection, account_id, latest, older, stored)
    _unmark_deleted(connection, list(latest))
    return set(changed)


def _take(connection: Connection, account_id: int, tasks: Mapping[int, TaskLoad]) -> dict[int, _Stored]:
    """Locks the tasks and adds those that are new; returns what was stored of the others.

    If another account adds one of them at this moment, this waits for it and begins again.
    """
    while tasks:
        try:
            with connection.transaction():
                lock_tasks(connection, tasks)
                stored = _stored(connection, account_id, list(tasks))
                new = [task.rows.owned[OWNER][0] for id_, task in tasks.items() if id_ not in stored]
                copy(connection, OWNER, sorted(map(_completed, new), key=itemgetter(0)))
        except UniqueViolation as error:
            if error.diag.constraint_name != OWNER.primary_key.name:
                raise
            continue
        return stored
    return {}


def _is_older(task: TaskLoad, stored: _Stored, account_id: int) -> bool:
    """Whether the task is stored as it was served to another account at the same time or later, or in full later.

    Runs of one account come one after the other, so its own bodies need no comparison, and no clock has to be right.
    """
    if task.raw is None:
        return stored.payload_sha256 is not None and _is_before(task.modified_date, stored.modified_date)
    if stored.reader in (None, account_id) or stored.served_at is None or task.raw.served_at is None:
        return False
    if task.raw.served_at == stored.served_at:
        return _is_before(task.modified_date, stored.modified_date)
    return task.raw.served_at < stored.served_at


def _is_before(date: datetime | None, stored: datetime | None) -> bool:
    """Whether the date is known and not after the stored one."""
    return date is not None and stored is not None and date <= stored


def _is_doubtful(task: TaskLoad, stored: _Stored) -> bool:
    """Whether a body that is left out may be newer than the stored one after all: dates count in whole seconds."""
    if task.raw is None:
        return False
    return task.raw.served_at == stored.served_at or not _is_before(task.modified_date, stored.modified_date)


def _see(
    connection: Connection,
    account_id: int,
    tasks: Mapping[int, TaskLoad],
    older: Set[int],
    stored: Mapping[int, _Stored],
) -> None:
    """Stores that the account sees the tasks; it reads those that it brought, and those that nobody read."""
    others = {id_ for id_, found in stored.items() if found.reader not in (None, account_id)}
    unchanged = {id_ for id_ in others if _is_stored(tasks[id_].raw, stored[id_])}
    taken = others - older - unchanged
    if taken:
        query = "UPDATE pyrus.task_sightings SET is_reader = false WHERE task_id = ANY(%s) AND account_id <> %s"
        connection.execute(query, [list(taken), account_id])
    lock_tasks(connection, [id_ for id_, found in stored.items() if found.reader is None])
    reads = tasks.keys() - others | taken
    see(connection, account_id, [Sighting(id_, task.listed_date, id_ in reads) for id_, task in tasks.items()])


def _mark_overtaken(connection: Connection, task_ids: Sequence[int]) -> None:
    """Marks stored bodies that are older than a part that was loaded over them; the next run fetches the tasks."""
    query = "UPDATE pyrus.raw_tasks SET is_overtaken = true, is_doubted = true WHERE task_id = ANY(%s)"
    if task_ids:
        connection.execute(query, [list(task_ids)])


def load_rows(connection: Connection, tasks: Mapping[int, Rows], stored: Set[int] | None = None) -> None:
    """Writes the rows of tasks. `stored` (None: all) are those with old rows, which are replaced."""
    rows = Rows()
    rows.extend(tasks.values())
    owners = tasks.keys() if stored is None else stored & tasks.keys()
    claims = {part: [owner for owner in owners if part in tasks[owner].claims] for part in PARTS}
    write(connection, rows, owners, claims)
    connection.execute(CHECK_DEFERRED)


def write(
    connection: Connection,
    rows: Rows,
    stored: Set[int] = frozenset(),
    claims: Mapping[Part, Collection[int]] = NO_CLAIMS,
) -> None:
    """Writes rows of any tables, and replaces the stored rows of each part that is claimed.

    `stored`: the tasks whose own rows are updated; those of other tasks have just been added. `claims`: part → the
    tasks that replace it.
    """
    for table in MERGED:
        merge(connection, table, sorted(rows.merged[table].values()))
    _update_tasks(connection, [task for task in rows.owned[OWNER] if task[0] in stored])
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


def _stored(connection: Connection, account_id: int, task_ids: list[int]) -> dict[int, _Stored]:
    query = """
        SELECT task.task_id, modified_date, payload_sha256, read_by, is_overtaken, served_at, mine.listed_date,
            reader.account_id
        FROM pyrus.tasks AS task LEFT JOIN pyrus.raw_tasks AS raw USING (task_id)
        LEFT JOIN pyrus.task_sightings AS mine ON mine.task_id = task.task_id AND mine.account_id = %s
        LEFT JOIN pyrus.task_sightings AS reader ON reader.task_id = task.task_id AND reader.is_reader
        WHERE task.task_id = ANY(%s)
    """
    return {task_id: _Stored(*found) for task_id, *found in connection.execute(query, [account_id, task_ids])}


def _is_stored(raw: RawTaskRow | None, stored: _Stored | None) -> bool:
    """Whether exactly the rows of this body are already stored, made by the same reader."""
    return (
        raw is not None
        and stored is not None
        and (raw.payload_sha256, raw.read_by, False) == (stored.payload_sha256, stored.read_by, stored.is_overtaken)
    )


def _stays_doubted(task: TaskLoad, stored: _Stored) -> bool:
    """Whether the stored body is still doubted when it is served again: not if the run asked because of the doubt.

    If a list has a later date since then, the task has changed again, and that is a new doubt.
    """
    listed_later = task.listed_date and stored.listed_date and task.listed_date > stored.listed_date
    return bool(task.raw and task.raw.is_doubted) and not (task.asked_again and not listed_later)


def _mark_unchanged(connection: Connection, tasks: Sequence[TaskLoad], stored: Mapping[int, _Stored]) -> None:
    """Stores whether the bodies of unchanged tasks are doubted."""
    marks = [
        (task.task_id, stored[task.task_id].payload_sha256, _stays_doubted(task, stored[task.task_id]))
        for task in tasks
    ]
    if not marks:
        return
    connection.execute(
        """
        UPDATE pyrus.raw_tasks AS raw SET is_doubted = new.is_doubted
        FROM unnest(%s::bigint[], %s::text[], %s::boolean[]) AS new (task_id, payload_sha256, is_doubted)
        WHERE raw.task_id = new.task_id AND raw.payload_sha256 = new.payload_sha256
          AND raw.is_doubted <> new.is_doubted
        """,
        [list(column) for column in zip(*marks, strict=True)],
    )


def _unmark_deleted(connection: Connection, task_ids: list[int]) -> None:
    """Takes back the mark of deletion: a task that can be fetched is not deleted."""
    connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s) AND deleted_at IS NOT NULL", [task_ids]
    )
