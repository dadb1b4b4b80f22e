"""Hints: the tasks that webhooks named, until they are fetched. The table sync_hints.

A hint says that a task may have changed, and nothing more. `login`: of the bot that got the webhook; empty if it has
none. Every function works inside the caller's transaction and is safe to repeat.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from pyrus_etl.load.sharing.readers import doubt, lock_tasks
from pyrus_etl.postgres.connection import Connection


class Hint(NamedTuple):
    """A task, when it was last named, and how often."""

    task_id: int
    last_at: datetime
    times: int


def note_hints(connection: Connection, login: str, task_ids: Collection[int]) -> None:
    """Stores that webhooks named these tasks."""
    connection.execute(
        """
        INSERT INTO pyrus.sync_hints AS hint (task_id, login, first_at, last_at, times)
        SELECT id, %s, clock_timestamp(), clock_timestamp(), 1 FROM unnest(%s::bigint[]) AS named (id) ORDER BY id
        ON CONFLICT (task_id, login) DO UPDATE SET last_at = EXCLUDED.last_at, times = hint.times + 1
        """,
        [login, sorted(set(task_ids))],
    )


def waiting(connection: Connection, login: str, most: int) -> list[Hint]:
    """The hints that wait, the oldest first."""
    query = "SELECT task_id, last_at, times FROM pyrus.sync_hints WHERE login = %s ORDER BY first_at, task_id LIMIT %s"
    return [Hint(*row) for row in connection.execute(query, [login, most])]


def followed(connection: Connection, account_id: int, login: str, hints: Sequence[Hint]) -> None:
    """Forgets hints whose tasks the account was to fetch, and leaves those that another one reads to that account."""
    _ask_readers(connection, account_id, hints)
    forget(connection, login, hints)


def _ask_readers(connection: Connection, account_id: int, hints: Sequence[Hint]) -> None:
    """Makes the next runs of the other accounts that read the tasks fetch them, unless they have done so since."""
    query = """
        SELECT task_id FROM unnest(%s::bigint[], %s::timestamptz[]) AS hinted (task_id, last_at)
        JOIN pyrus.raw_tasks AS raw USING (task_id) JOIN pyrus.task_sightings AS reader USING (task_id)
        WHERE reader.is_reader AND reader.account_id <> %s AND raw.fetched_at < hinted.last_at
    """
    given = [[hint.task_id for hint in hints], [hint.last_at for hint in hints], account_id]
    read_by_others = [task_id for (task_id,) in connection.execute(query, given)]
    lock_tasks(connection, read_by_others)
    doubt(connection, read_by_others)


def forget(connection: Connection, login: str, hints: Sequence[Hint]) -> None:
    """Deletes hints whose tasks were fetched; not if a webhook has named the task again since.

    That shows in the number, even if the clock was set back meanwhile.
    """
    connection.execute(
        """
        DELETE FROM pyrus.sync_hints AS hint
        USING unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS done (task_id, last_at, times)
        WHERE hint.login = %s AND (hint.task_id, hint.last_at, hint.times) = (done.task_id, done.last_at, done.times)
        """,
        [
            [hint.task_id for hint in hints],
            [hint.last_at for hint in hints],
            [hint.times for hint in hints],
            login,
        ],
    )


def stored(connection: Connection, task_ids: Collection[int]) -> set[int]:
    """Those of the tasks that are stored."""
    query = "SELECT task_id FROM pyrus.tasks WHERE task_id = ANY(%s)"
    return {task_id for (task_id,) in connection.execute(query, [list(task_ids)])}
