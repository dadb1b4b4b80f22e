"""The state of the sync, in tables: runs, cursors, the windows of a backfill, the inbox, tasks set aside.

Every function works inside the caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import sql

from pyrus_etl.load.connection import Connection

TASKS = "tasks"
"""The stream whose cursor the sync follows."""


class Backfill(NamedTuple):
    """The backfill of an account; seconds since 1970, None is no end."""

    from_second: int | None
    to_second: int | None
    cursor: datetime
    started_at: datetime
    finished_at: datetime | None


class PendingWindow(NamedTuple):
    """A window that a backfill has yet to do."""

    window_no: int
    from_second: int | None
    to_second: int | None


class SetAside(NamedTuple):
    """A task that could not be had, read or stored, and why."""

    task_id: int
    stage: str
    error: str
    payload: str | None


def open_run(connection: Connection, run_id: UUID, account_id: int, kind: str) -> None:
    """Notes that a run begins, and that those which never came to an end failed."""
    connection.execute(
        """
        UPDATE pyrus.sync_runs SET status = 'failed', finished_at = now(), error = 'It ended without a word: killed?'
        WHERE account_id = %s AND status = 'running'
        """,
        [account_id],
    )
    connection.execute(
        """
        INSERT INTO pyrus.sync_runs (run_id, account_id, kind, status, started_at)
        VALUES (%s, %s, %s, 'running', now())
        """,
        [run_id, account_id, kind],
    )


def write_run(connection: Connection, run_id: UUID, columns: Mapping[str, object]) -> None:
    """Brings columns of a run up to date."""
    names = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns]
    statement = sql.SQL("UPDATE pyrus.sync_runs SET {} WHERE run_id = %s").format(sql.SQL(", ").join(names))
    connection.execute(statement, [*columns.values(), run_id])


def last_duration(connection: Connection, account_id: int) -> float:
    """Seconds that the last complete run took; 0 where there was none."""
    found = connection.execute(
        """
        SELECT extract(epoch FROM finished_at - started_at)::float8 FROM pyrus.sync_runs
        WHERE account_id = %s AND status = 'ok' ORDER BY started_at DESC LIMIT 1
        """,
        [account_id],
    ).fetchone()
    return found[0] if found else 0.0


def cursor(connection: Connection, account_id: int) -> datetime | None:
    found = connection.execute(
        "SELECT cursor FROM pyrus.sync_cursors WHERE account_id = %s AND stream = %s", [account_id, TASKS]
    ).fetchone()
    return found[0] if found else None


def move_cursor(connection: Connection, account_id: int, to: datetime) -> None:
    """All that changed before `to`, by the server's clock, is stored."""
    connection.execute(
        """
        INSERT INTO pyrus.sync_cursors (account_id, stream, cursor, updated_at) VALUES (%s, %s, %s, now())
        ON CONFLICT (account_id, stream) DO UPDATE SET cursor = EXCLUDED.cursor, updated_at = EXCLUDED.updated_at
        """,
        [account_id, TASKS, to],
    )


def unchanged(connection: Connection, listed: Sequence[tuple[int, datetime | None]]) -> set[int]:
    """The ids of those listed tasks that are stored with the date under which they are listed now."""
    query = """
        SELECT told.task_id FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (task_id, listed_date)
        JOIN pyrus.raw_tasks AS raw USING (task_id) JOIN pyrus.tasks AS task USING (task_id)
        WHERE task.deleted_at IS NULL AND told.listed_date IN (raw.listed_date, task.modified_date)
    """
    found = connection.execute(query, [[task_id for task_id, _ in listed], [date for _, date in listed]])
    return {task_id for (task_id,) in found}


def backfill(connection: Connection, account_id: int) -> Backfill | None:
    """The last backfill of the account, done or not."""
    found = connection.execute(
        """
        SELECT from_second, to_second, cursor, started_at, finished_at
        FROM pyrus.sync_backfills WHERE account_id = %s
        """,
        [account_id],
    ).fetchone()
    return Backfill(*found) if found else None


def begin_backfill(
    connection: Connection, account_id: int, from_second: int | None, to_second: int | None, start: datetime
) -> None:
    """Puts a new backfill, of one window as yet, in place of the account's last one."""
    connection.execute("DELETE FROM pyrus.sync_backfills WHERE account_id = %s", [account_id])
    connection.execute("DELETE FROM pyrus.sync_windows WHERE account_id = %s", [account_id])
    connection.execute(
        """
        INSERT INTO pyrus.sync_backfills (account_id, from_second, to_second, cursor, started_at)
        VALUES (%s, %s, %s, %s, now())
        """,
        [account_id, from_second, to_second, start],
    )
    connection.execute(
        "INSERT INTO pyrus.sync_windows (account_id, window_no, from_second, to_second) VALUES (%s, 1, %s, %s)",
        [account_id, from_second, to_second],
    )


def pending_windows(connection: Connection, account_id: int) -> list[PendingWindow]:
    """The windows that are left to do, the earlier first."""
    found = connection.execute(
        """
        SELECT window_no, from_second, to_second FROM pyrus.sync_windows
        WHERE account_id = %s AND done_at IS NULL ORDER BY from_second NULLS FIRST, window_no
        """,
        [account_id],
    )
    return [PendingWindow(*row) for row in found]


def split_window(
    connection: Connection, account_id: int, window_no: int, halves: Sequence[tuple[int | None, int | None]]
) -> list[int]:
    """Puts two windows in place of one and returns their numbers."""
    connection.execute(
        "DELETE FROM pyrus.sync_windows WHERE account_id = %s AND window_no = %s", [account_id, window_no]
    )
    found = connection.execute(
        "SELECT coalesce(max(window_no), 0) FROM pyrus.sync_windows WHERE account_id = %s", [account_id]
    ).fetchone()
    first = max(found[0] if found else 0, window_no) + 1
    numbers = [first + place for place in range(len(halves))]
    connection.cursor().executemany(
        "INSERT INTO pyrus.sync_windows (account_id, window_no, from_second, to_second) VALUES (%s, %s, %s, %s)",
        [(account_id, number, *half) for number, half in zip(numbers, halves, strict=True)],
    )
    return numbers


def finish_windows(connection: Connection, account_id: int, window_nos: Sequence[int]) -> None:
    connection.execute(
        "UPDATE pyrus.sync_windows SET done_at = now() WHERE account_id = %s AND window_no = ANY(%s)",
        [account_id, list(window_nos)],
    )


def finish_backfill(connection: Connection, account_id: int) -> datetime:
    """Notes that all windows are done and returns the cursor to sync from: the account's own where it has one."""
    assert not pending_windows(connection, account_id), "the cursor never passes windows that are not done"
    connection.execute("UPDATE pyrus.sync_backfills SET finished_at = now() WHERE account_id = %s", [account_id])
    found = connection.execute(
        """
        INSERT INTO pyrus.sync_cursors (account_id, stream, cursor, updated_at)
        SELECT account_id, %(stream)s, cursor, now() FROM pyrus.sync_backfills WHERE account_id = %(account_id)s
        ON CONFLICT (account_id, stream) DO UPDATE SET cursor = sync_cursors.cursor
        RETURNING cursor
        """,
        {"account_id": account_id, "stream": TASKS},
    ).fetchone()
    assert found, "a backfill was begun"
    cursor: datetime = found[0]
    return cursor


def write_inbox(connection: Connection, account_id: int, task_ids: Sequence[int]) -> None:
    """Makes the stored inbox equal to the listed one; a task that keeps its place is not written."""
    told = {"account_id": account_id, "ids": list(task_ids)}
    connection.execute(
        "DELETE FROM pyrus.inbox_tasks WHERE account_id = %(account_id)s AND NOT task_id = ANY(%(ids)s)", told
    )
    connection.execute(
        """
        INSERT INTO pyrus.inbox_tasks (account_id, task_id, position, seen_at)
        SELECT %(account_id)s, told.task_id, min(told.position), now()
        FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS told (task_id, position)
        LEFT JOIN pyrus.inbox_tasks AS seen ON seen.account_id = %(account_id)s AND seen.task_id = told.task_id
        WHERE seen.position IS DISTINCT FROM told.position
        GROUP BY told.task_id
        ON CONFLICT (account_id, task_id) DO UPDATE SET position = EXCLUDED.position, seen_at = EXCLUDED.seen_at
        """,
        told,
    )


def open_errors(connection: Connection) -> list[int]:
    """The ids of the tasks that are set aside now."""
    found = connection.execute("SELECT task_id FROM pyrus.sync_errors WHERE resolved_at IS NULL ORDER BY task_id")
    return [task_id for (task_id,) in found]


def set_aside(connection: Connection, tasks: Iterable[SetAside]) -> None:
    """Sets tasks aside, or notes that they failed once more."""
    connection.cursor().executemany(
        """
        INSERT INTO pyrus.sync_errors
            (task_id, stage, error, payload, first_seen_at, last_seen_at, attempts)
        VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp(), 1)
        ON CONFLICT (task_id) WHERE resolved_at IS NULL DO UPDATE
        SET stage = EXCLUDED.stage, error = EXCLUDED.error, payload = EXCLUDED.payload,
            last_seen_at = EXCLUDED.last_seen_at, attempts = sync_errors.attempts + 1
        """,
        list(tasks),
    )


def resolve_errors(connection: Connection, task_ids: Sequence[int]) -> None:
    """Closes the errors of tasks that have loaded."""
    connection.execute(
        "UPDATE pyrus.sync_errors SET resolved_at = clock_timestamp() WHERE task_id = ANY(%s) AND resolved_at IS NULL",
        [list(task_ids)],
    )
