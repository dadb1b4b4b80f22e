"""Which accounts see a task, and which of the listed tasks an account has to fetch (task_sightings).

Every function works inside the caller's transaction and is safe to repeat.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from pyrus_etl.load.readers import LIVE, doubt, lock_tasks
from pyrus_etl.postgres.connection import Connection


class Sighting(NamedTuple):
    """A list of an account shows a task under a date. `is_reader`: this account reads the task."""

    task_id: int
    listed_date: datetime | None
    is_reader: bool


class Compared(NamedTuple):
    """Listed tasks, compared with the stored ones.

    `unchanged`: they are stored as they are listed. `left`: another account reads them. Both need no fetch. `sighted`:
    what the list shows of these tasks and is not stored yet. `changed`: those of `left` that the list shows as changed.
    """

    unchanged: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()
    sighted: tuple[Sighting, ...] = ()
    changed: tuple[int, ...] = ()


def compare(connection: Connection, account_id: int, listed: Sequence[tuple[int, datetime | None]]) -> Compared:
    """Compares listed tasks with the stored ones; changes nothing.

    A task is unchanged if it is listed under the date of its body, or under a date in a list that was dealt with.
    """
    query = f"""
        SELECT listed.task_id, listed.listed_date, mine.task_id IS NOT NULL, reader.account_id,
            coalesce(listed.listed_date IN (task.modified_date, mine.listed_date, reader.listed_date), false),
            coalesce(reader.account_id <> %(account_id)s AND reader.account_id IN {LIVE}, false)
        FROM unnest(%(ids)s::bigint[], %(dates)s::timestamptz[]) AS listed (task_id, listed_date)
        JOIN pyrus.tasks AS task USING (task_id) JOIN pyrus.raw_tasks AS raw USING (task_id)
        LEFT JOIN pyrus.task_sightings AS mine ON mine.task_id = task.task_id AND mine.account_id = %(account_id)s
        LEFT JOIN pyrus.task_sightings AS reader ON reader.task_id = task.task_id AND reader.is_reader
        WHERE task.deleted_at IS NULL
    """  # noqa: S608 -- a constant
    ids, dates = [task_id for task_id, _ in listed], [date for _, date in listed]
    found = connection.execute(query, {"account_id": account_id, "ids": ids, "dates": dates}).fetchall()
    unchanged, left, sighted, changed = set(), set(), [], []
    for task_id, date, is_seen, reader, is_same, is_read in found:
        if is_same:
            unchanged.add(task_id)
        elif is_read:
            left.add(task_id)
            changed += [task_id] if date else []
        else:
            continue
        if reader is None or not is_seen or (not is_same and date):
            sighted.append(Sighting(task_id, date, is_reader=reader in (None, account_id)))
    return Compared(frozenset(unchanged), frozenset(left), tuple(sighted), tuple(changed))


def see(connection: Connection, account_id: int, sightings: Collection[Sighting]) -> None:
    """Stores what an account's lists show. A task has one reader: another one stays.

    The caller has locked the tasks that get a reader.
    """
    query = """
        INSERT INTO pyrus.task_sightings AS stored (task_id, account_id, listed_date, seen_at, is_reader)
        SELECT new.task_id, %s, coalesce(new.listed_date, mine.listed_date), now(), new.is_reader AND NOT EXISTS (
            SELECT FROM pyrus.task_sightings AS other
            WHERE other.task_id = new.task_id AND other.account_id <> %s AND other.is_reader
        )
        FROM unnest(%s::bigint[], %s::timestamptz[], %s::boolean[]) AS new (task_id, listed_date, is_reader)
        LEFT JOIN pyrus.task_sightings AS mine ON mine.task_id = new.task_id AND mine.account_id = %s
        WHERE mine.task_id IS NULL OR new.is_reader > mine.is_reader
            OR coalesce(new.listed_date, mine.listed_date) IS DISTINCT FROM mine.listed_date
        ORDER BY new.task_id
        ON CONFLICT (task_id, account_id) DO UPDATE SET listed_date = EXCLUDED.listed_date,
            seen_at = EXCLUDED.seen_at, is_reader = stored.is_reader OR EXCLUDED.is_reader
    """
    if sightings:
        columns = [list(column) for column in zip(*sorted(sightings), strict=True)]
        connection.execute(query, [account_id, account_id, *columns, account_id])


def note_listed(connection: Connection, account_id: int, compared: Compared) -> None:
    """Stores that an account sees listed tasks that it does not fetch, and asks the readers of changed ones to."""
    task_ids = [sighting.task_id for sighting in compared.sighted]
    lock_tasks(connection, task_ids)
    connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s) AND deleted_at IS NOT NULL", [task_ids]
    )
    see(connection, account_id, compared.sighted)
    doubt(connection, compared.changed)
