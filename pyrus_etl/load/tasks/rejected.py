"""Rejected tasks, which users see as set aside (sync_errors), by account.

Every function works inside the caller's transaction. Rejections without an account (a rebuild has none if nobody sees
the task) count for every account.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from pyrus_etl.load.sharing.readers import LIVE, hand_over
from pyrus_etl.postgres.connection import Connection

NO_ACCOUNT = 0


class Rejected(NamedTuple):
    """A task that could not be fetched, read or stored, and why. `listed_date`: its date in the list, if it has one.

    `denied`: Pyrus refused it to this account.
    """

    task_id: int
    stage: str
    error: str
    payload: str | None
    listed_date: datetime | None
    denied: bool = False


def open_rejections(connection: Connection, account_id: int) -> dict[int, datetime | None]:
    """The tasks that are rejected now, by their ids, each with its date in the last list that had one."""
    query = """
        SELECT task_id, max(listed_date) FROM pyrus.sync_errors
        WHERE account_id IN (%s, %s) AND stream = 'tasks' AND resolved_at IS NULL GROUP BY task_id ORDER BY task_id
    """
    return dict(connection.execute(query, [account_id, NO_ACCOUNT]).fetchall())


def leave_to_others(connection: Connection, account_id: int) -> int:
    """Resolves rejections of tasks that another account reads by now, without a doubt; returns their number."""
    query = f"""
        UPDATE pyrus.sync_errors AS failed SET resolved_at = clock_timestamp()
        WHERE account_id = %s AND stream = 'tasks' AND resolved_at IS NULL AND EXISTS (
            SELECT FROM pyrus.task_sightings AS reader JOIN pyrus.raw_tasks AS raw USING (task_id)
            WHERE reader.task_id = failed.task_id AND reader.account_id <> failed.account_id
                AND is_reader AND NOT is_doubted AND reader.account_id IN {LIVE}
        )
    """  # noqa: S608 -- a constant
    return connection.execute(query, [account_id]).rowcount


def reject(connection: Connection, account_id: int, tasks: Sequence[Rejected]) -> int:
    """Records that tasks are rejected, or that they failed once more; returns their number.

    They are left to the other accounts that see them. A task that is denied to this account, while another one sees it
    and keeps running, is not an error and does not count.
    """
    excused = _seen_by_others(connection, account_id, [task.task_id for task in tasks if task.denied])
    recorded = [task for task in tasks if task.task_id not in excused]
    _record(connection, account_id, recorded)
    resolve_rejections(connection, account_id, list(excused))
    hand_over(connection, account_id, [task.task_id for task in tasks])
    return len(recorded)


def reject_rebuilt(connection: Connection, task: Rejected) -> None:
    """Records that the rows of a stored body are refused, as an error of the account that reads it."""
    query = "SELECT account_id FROM pyrus.task_sightings WHERE task_id = %s ORDER BY is_reader DESC LIMIT 1"
    found = connection.execute(query, [task.task_id]).fetchone()
    _record(connection, found[0] if found else NO_ACCOUNT, [task])


def _seen_by_others(connection: Connection, account_id: int, task_ids: Collection[int]) -> set[int]:
    """Those of the tasks that another account sees which keeps running."""
    query = f"""
        SELECT DISTINCT task_id FROM pyrus.task_sightings
        WHERE task_id = ANY(%s) AND account_id <> %s AND account_id IN {LIVE}
    """  # noqa: S608 -- a constant
    if not task_ids:
        return set()
    return {task_id for (task_id,) in connection.execute(query, [list(task_ids), account_id])}


def _record(connection: Connection, account_id: int, tasks: Iterable[Rejected]) -> None:
    connection.cursor().executemany(
        """
        INSERT INTO pyrus.sync_errors
            (account_id, task_id, stage, error, payload, listed_date, first_seen_at, last_seen_at, attempts)
        VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp(), 1)
        ON CONFLICT (task_id, account_id, stream) WHERE resolved_at IS NULL DO UPDATE
        SET stage = EXCLUDED.stage, error = EXCLUDED.error, payload = EXCLUDED.payload,
            listed_date = greatest(EXCLUDED.listed_date, sync_errors.listed_date),
            last_seen_at = EXCLUDED.last_seen_at, attempts = sync_errors.attempts + 1
        """,
        [(account_id, *task[:-1]) for task in tasks],
    )


def resolve_rejections(connection: Connection, account_id: int, task_ids: Sequence[int]) -> None:
    """Resolves the account's rejections of tasks that are loaded or deleted."""
    connection.execute(
        """
        UPDATE pyrus.sync_errors SET resolved_at = clock_timestamp()
        WHERE task_id = ANY(%s) AND account_id IN (%s, %s) AND stream = 'tasks' AND resolved_at IS NULL
        """,
        [list(task_ids), account_id, NO_ACCOUNT],
    )


def list_rejections(connection: Connection, *, resolved_too: bool) -> list[dict[str, Any]]:
    """The rejections without their bodies, latest first: the open ones, or with `resolved_too` all of them."""
    query = """
        SELECT task_id, account_id, stage, error, first_seen_at, last_seen_at, attempts, resolved_at
        FROM pyrus.sync_errors WHERE %s OR resolved_at IS NULL ORDER BY last_seen_at DESC, task_id, account_id
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [resolved_too]).fetchall()
