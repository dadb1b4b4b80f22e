"""Which accounts see a task, and which of the listed tasks an account has to fetch (task_sightings).

Every function works inside the caller's transaction and is safe to repeat.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

from pyrus_etl.load.sharing.readers import LIVE, doubt, lock_tasks
from pyrus_etl.postgres.connection import Connection


class Sighting(NamedTuple):
    """A list of an account shows a task under a date and the id of its last note. `is_reader`: the account reads it."""

    task_id: int
    listed_date: datetime | None
    is_reader: bool
    listed_note_id: int | None = None


ListedTask = tuple[int, datetime | None, int | None]
"""A task as a list shows it: its id, its date and the id of its last note."""


class Compared(NamedTuple):
    """Listed tasks, compared with the stored ones.

    `unchanged`: they are stored as they are listed. `left`: another account reads them. Both need no fetch. `sighted`:
    what the list shows of these tasks and is not stored yet. `changed`: those of `left` that the list shows as changed.
    """

    unchanged: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()
    sighted: tuple[Sighting, ...] = ()
    changed: tuple[int, ...] = ()


_LAGS: LiteralString = """
    OR %(lags)s AND listed.listed_date < task.modified_date AND task.modified_date > raw.served_at - interval '1 day'
"""


def compare(connection: Connection, account_id: int, listed: Sequence[ListedTask], *, lags: bool) -> Compared:
    """Compares listed tasks with the stored ones; changes nothing. A task is listed with its date and its last note.

    A task is unchanged if it is listed under the date and the last note of its body, or under those in a list that was
    dealt with: a note that is in no body was deleted. `lags`: the lists show changes late; so an older note, and an
    older date of a task that had just changed when it was fetched, are no change. Such an API says more than v3: a body
    of v3 is fetched once more.
    """
    query = f"""
        SELECT listed.task_id, listed.listed_date, mine.task_id IS NOT NULL, reader.account_id,
            coalesce(
                (listed.listed_date IN (task.modified_date, mine.listed_date, reader.listed_date) {_LAGS})
                AND (listed.note_id IS NULL OR %(lags)s AND listed.note_id < task.last_note_id
                     OR listed.note_id IN (task.last_note_id, mine.listed_note_id, reader.listed_note_id))
                AND NOT (%(lags)s AND raw.api = 'v3'), false
            ), listed.note_id,
            coalesce(reader.account_id <> %(account_id)s AND reader.account_id IN {LIVE}, false)
        FROM unnest(%(ids)s::bigint[], %(dates)s::timestamptz[], %(notes)s::bigint[])
            AS listed (task_id, listed_date, note_id)
        JOIN pyrus.tasks AS task USING (task_id) JOIN pyrus.raw_tasks AS raw USING (task_id)
        LEFT JOIN pyrus.task_sightings AS mine ON mine.task_id = task.task_id AND mine.account_id = %(account_id)s
        LEFT JOIN pyrus.task_sightings AS reader ON reader.task_id = task.task_id AND reader.is_reader
        WHERE task.deleted_at IS NULL
    """  # noqa: S608 -- constants
    ids, dates, notes = [list(column) for column in zip(*listed, strict=True)] or ([], [], [])
    parameters = {"account_id": account_id, "ids": ids, "dates": dates, "notes": notes, "lags": lags}
    found = connection.execute(query, parameters).fetchall()
    unchanged, left, sighted, changed = set(), set(), [], []
    for task_id, date, is_seen, reader, is_same, note_id, is_read in found:
        if is_same:
            unchanged.add(task_id)
        elif is_read:
            left.add(task_id)
            changed += [task_id] if date else []
        else:
            continue
        if reader is None or not is_seen or (not is_same and date):
            sighted.append(Sighting(task_id, date, reader in (None, account_id), note_id))
    return Compared(frozenset(unchanged), frozenset(left), tuple(sighted), tuple(changed))


def see(connection: Connection, account_id: int, sightings: Collection[Sighting]) -> None:
    """Stores what an account's lists show. A task has one reader: another one stays.

    The caller has locked the tasks that get a reader. The ids are repeated, or PostgreSQL may read the whole table.
    """
    query = """
        INSERT INTO pyrus.task_sightings AS stored
            (task_id, account_id, listed_date, seen_at, is_reader, listed_note_id)
        SELECT new.task_id, %(account_id)s, coalesce(new.listed_date, mine.listed_date), now(),
            new.is_reader AND NOT EXISTS (
                SELECT FROM pyrus.task_sightings AS other
                WHERE other.task_id = new.task_id AND other.account_id <> %(account_id)s AND other.is_reader
                    AND other.task_id = ANY(%(ids)s)
            ), coalesce(new.listed_note_id, mine.listed_note_id)
        FROM unnest(%(ids)s::bigint[], %(dates)s::timestamptz[], %(readers)s::boolean[], %(notes)s::bigint[])
            AS new (task_id, listed_date, is_reader, listed_note_id)
        LEFT JOIN pyrus.task_sightings AS mine
            ON mine.task_id = new.task_id AND mine.account_id = %(account_id)s AND mine.task_id = ANY(%(ids)s)
        WHERE mine.task_id IS NULL OR new.is_reader > mine.is_reader
            OR coalesce(new.listed_date, mine.listed_date) IS DISTINCT FROM mine.listed_date
            OR coalesce(new.listed_note_id, mine.listed_note_id) IS DISTINCT FROM mine.listed_note_id
        ORDER BY new.task_id
        ON CONFLICT (task_id, account_id) DO UPDATE SET listed_date = EXCLUDED.listed_date,
            seen_at = EXCLUDED.seen_at, is_reader = stored.is_reader OR EXCLUDED.is_reader,
            listed_note_id = EXCLUDED.listed_note_id
    """
    if sightings:
        ids, dates, readers, notes = (list(column) for column in zip(*sightings, strict=True))
        parameters = {"account_id": account_id, "ids": ids, "dates": dates, "readers": readers, "notes": notes}
        connection.execute(query, parameters)


def see_new(connection: Connection, account_id: int, sightings: Collection[Sighting]) -> None:
    """Stores what an account's lists show of tasks that the caller's transaction has added: it is their reader.

    Nobody else can have seen them, so there is nothing to compare them with.
    """
    query = """
        INSERT INTO pyrus.task_sightings (task_id, account_id, listed_date, seen_at, is_reader, listed_note_id)
        SELECT task_id, %s, listed_date, now(), true, listed_note_id
        FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS new (task_id, listed_date, listed_note_id)
        ORDER BY task_id
    """
    if sightings:
        ids, dates, _, notes = zip(*sightings, strict=True)
        connection.execute(query, [account_id, list(ids), list(dates), list(notes)])


def note_listed(connection: Connection, account_id: int, compared: Compared) -> None:
    """Stores that an account sees listed tasks that it does not fetch, and asks the readers of changed ones to."""
    task_ids = [sighting.task_id for sighting in compared.sighted]
    lock_tasks(connection, task_ids)
    connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s) AND deleted_at IS NOT NULL", [task_ids]
    )
    see(connection, account_id, compared.sighted)
    doubt(connection, compared.changed)


def last_listed(connection: Connection, account_id: int, before: datetime, most: int) -> dict[int, datetime]:
    """The tasks that changed last before a time and that lists show to the account, with their dates; newest first.

    Those of lost forms are left out, and those that are watched because no list shows them.
    """
    query = """
        SELECT task_id, modified_date FROM pyrus.tasks AS task JOIN pyrus.task_sightings AS mine USING (task_id)
        WHERE account_id = %s AND listed_date IS NOT NULL AND modified_date < %s AND deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM pyrus.forms AS form WHERE form.form_id = task.form_id AND lost_at IS NOT NULL)
          AND NOT EXISTS (
              SELECT FROM pyrus.watched_tasks AS watched
              WHERE watched.task_id = task.task_id AND watched.account_id = mine.account_id
          )
        ORDER BY modified_date DESC, task_id DESC LIMIT %s
    """
    return dict(connection.execute(query, [account_id, before, most]).fetchall())
