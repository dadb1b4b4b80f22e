"""A batch of tasks → the tables: changed tasks are replaced whole, unchanged ones are left alone."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from operator import itemgetter

from msgspec import UNSET
from psycopg.errors import UniqueViolation

from pyrus_etl.load.sharing.readers import doubt, lock_tasks
from pyrus_etl.load.sharing.sightings import Sighting, see, see_new
from pyrus_etl.load.tasks.stored import (
    Stored,
    TaskLoad,
    is_doubtful,
    is_older,
    is_stored,
    read_stored,
    stays_doubted,
    went_back,
)
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.copy import Row, copy, delete, merge, update
from pyrus_etl.postgres.faults import CHECK_DEFERRED
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER, PARTS, Part, Rows

NO_CLAIMS: Mapping[Part, Collection[int]] = {}

_COLUMNS = written_columns(OWNER)
_DEFAULTS = {column.name: False for column in OWNER.columns if not (column.nullable or column.primary_key)}


def load(
    connection: Connection, account_id: int, tasks: Sequence[TaskLoad], found: Mapping[int, Stored] | None = None
) -> set[int]:
    """Writes tasks as served to an account, in the caller's transaction; returns the ids of those that changed.

    If a task occurs twice, the later one counts. A body that another account was served later stays. Safe to repeat: a
    body that is already stored changes nothing. `found`: what the caller has just read of the tasks.
    """
    if not tasks:
        return set()
    latest = {task.task_id: task for task in tasks}
    if found is None:
        found = read_stored(connection, account_id, latest)
    stored = _take(connection, account_id, latest, found)
    unchanged = [task for id_, task in latest.items() if is_stored(task, stored.get(id_))]
    same = {task.task_id for task in unchanged}
    older = {id_ for id_, found in stored.items() if id_ not in same and is_older(latest[id_], found, account_id)}
    changed = {id_: task for id_, task in latest.items() if id_ not in same | older}
    load_rows(connection, {id_: task.rows for id_, task in changed.items()}, stored.keys())
    _mark_overtaken(connection, [id_ for id_, task in changed.items() if not task.raw and id_ in stored])
    _mark_unchanged(connection, unchanged, stored)
    doubt(connection, [id_ for id_ in older if is_doubtful(latest[id_], stored[id_])])
    doubt(connection, [id_ for id_, task in changed.items() if id_ in stored and went_back(task, stored[id_])])
    _see(connection, account_id, latest, changed.keys(), stored)
    _unmark_deleted(connection, list(stored))
    return set(changed)


def _take(
    connection: Connection, account_id: int, tasks: Mapping[int, TaskLoad], found: Mapping[int, Stored]
) -> dict[int, Stored]:
    """Locks the tasks that differ from the stored ones, and adds new ones; returns what was stored of the others.

    If another account adds one of them at this moment, this waits for it and begins again.
    """
    while True:
        same = {id_: found[id_] for id_, task in tasks.items() if is_stored(task, found.get(id_))}
        different = tasks.keys() - same.keys()
        if not different:
            return same
        try:
            with connection.transaction():
                lock_tasks(connection, different & found.keys())
                locked = read_stored(connection, account_id, different & found.keys())
                _add(connection, [tasks[id_] for id_ in different - locked.keys()])
            return same | locked
        except UniqueViolation as error:
            if error.diag.constraint_name != OWNER.primary_key.name:
                raise
        found = read_stored(connection, account_id, tasks)


def _add(connection: Connection, tasks: Sequence[TaskLoad]) -> None:
    """Adds the rows of new tasks, in the order of their ids."""
    rows = [_completed(task.rows.owned[OWNER][0]) for task in tasks]
    copy(connection, OWNER, sorted(rows, key=itemgetter(0)))


def _see(
    connection: Connection,
    account_id: int,
    tasks: Mapping[int, TaskLoad],
    changed: Set[int],
    stored: Mapping[int, Stored],
) -> None:
    """Stores that the account sees the tasks; it reads those that it changed, and those that nobody else reads."""
    others = {id_ for id_, found in stored.items() if found.reader not in (None, account_id)}
    if taken := others & changed:
        query = "UPDATE pyrus.task_sightings SET is_reader = false WHERE task_id = ANY(%s) AND account_id <> %s"
        connection.execute(query, [list(taken), account_id])
    lock_tasks(connection, [id_ for id_, found in stored.items() if found.reader is None])
    reads = (tasks.keys() - others) | taken
    sightings = [Sighting(id_, task.listed_date, id_ in reads, task.listed_note_id) for id_, task in tasks.items()]
    see(connection, account_id, [each for each in sightings if each.task_id in stored])
    see_new(connection, account_id, [each for each in sightings if each.task_id not in stored])


def _mark_overtaken(connection: Connection, task_ids: Sequence[int]) -> None:
    """Marks stored bodies that are older than a part that was loaded over them; the next run fetches the tasks."""
    query = "UPDATE pyrus.raw_tasks SET is_overtaken = true, is_doubted = true WHERE task_id = ANY(%s)"
    if task_ids:
        connection.execute(query, [list(task_ids)])


def _mark_unchanged(connection: Connection, tasks: Sequence[TaskLoad], stored: Mapping[int, Stored]) -> None:
    """Stores whether the bodies of unchanged tasks are doubted."""
    if not tasks:
        return
    before = [stored[task.task_id] for task in tasks]
    marks = [
        (task.task_id, found.payload_sha256, stays_doubted(task, found))
        for task, found in zip(tasks, before, strict=True)
    ]
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


def load_rows(connection: Connection, tasks: Mapping[int, Rows], stored: Set[int]) -> None:
    """Writes the rows of tasks. `stored` are those with old rows, which are replaced."""
    rows = Rows()
    rows.extend(tasks.values())
    write(connection, rows, stored & tasks.keys(), claims_of(tasks, stored & tasks.keys()))
    connection.execute(CHECK_DEFERRED)


def claims_of(tasks: Mapping[int, Rows], owners: Set[int]) -> dict[Part, list[int]]:
    """The owners that replace each part."""
    return {part: [owner for owner in owners if part in tasks[owner].claims] for part in PARTS}


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
