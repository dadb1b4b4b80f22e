"""The last backfill of each account and stream, and its windows, stored so that it can be resumed.

Every function works inside the caller's transaction and is safe to repeat. Times are seconds since 1970; None is
unbounded.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pyrus_etl.model.window import Window
from pyrus_etl.postgres.connection import Connection


class Backfill(NamedTuple):
    """A backfill of a stream, by an account."""

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


def last_backfill(connection: Connection, account_id: int, stream: str) -> Backfill | None:
    """The last backfill of the account, done or not."""
    found = connection.execute(
        """
        SELECT from_second, to_second, cursor, started_at, finished_at
        FROM pyrus.sync_backfills WHERE account_id = %s AND stream = %s
        """,
        [account_id, stream],
    ).fetchone()
    return Backfill(*found) if found else None


def unfinished(connection: Connection, account_id: int, stream: str, period: Window) -> Backfill | None:
    """The last backfill of the account, if it can be resumed: it is of the same period, and not done."""
    last = last_backfill(connection, account_id, stream)
    can_be_resumed = last and not last.finished_at and (last.from_second, last.to_second) == period
    return last if can_be_resumed else None


def begin_backfill(connection: Connection, account_id: int, stream: str, period: Window, start: datetime) -> None:
    """Replaces the account's last backfill with a new one, which has a single window so far."""
    connection.execute("DELETE FROM pyrus.sync_backfills WHERE account_id = %s AND stream = %s", [account_id, stream])
    connection.execute("DELETE FROM pyrus.sync_windows WHERE account_id = %s AND stream = %s", [account_id, stream])
    connection.execute(
        """
        INSERT INTO pyrus.sync_backfills (account_id, stream, from_second, to_second, cursor, started_at)
        VALUES (%s, %s, %s, %s, %s, now())
        """,
        [account_id, stream, *period, start],
    )
    connection.execute(
        """
        INSERT INTO pyrus.sync_windows (account_id, stream, window_no, from_second, to_second)
        VALUES (%s, %s, 1, %s, %s)
        """,
        [account_id, stream, *period],
    )


def pending_windows(connection: Connection, account_id: int, stream: str) -> list[PendingWindow]:
    """The windows that are still to do, earliest first."""
    found = connection.execute(
        """
        SELECT window_no, from_second, to_second FROM pyrus.sync_windows
        WHERE account_id = %s AND stream = %s AND done_at IS NULL ORDER BY from_second NULLS FIRST, window_no
        """,
        [account_id, stream],
    )
    return [PendingWindow(*row) for row in found]


def last_window_no(connection: Connection, account_id: int, stream: str) -> int:
    """The greatest number of a window; 0 if there is none."""
    query = "SELECT coalesce(max(window_no), 0) FROM pyrus.sync_windows WHERE account_id = %s AND stream = %s"
    found = connection.execute(query, [account_id, stream]).fetchone()
    return found[0] if found else 0


def split_window(
    connection: Connection, account_id: int, stream: str, window_no: int, halves: Mapping[int, Window]
) -> None:
    """Replaces a window with two, given by their numbers; safe to repeat."""
    delete = "DELETE FROM pyrus.sync_windows WHERE account_id = %s AND stream = %s AND window_no = %s"
    connection.execute(delete, [account_id, stream, window_no])
    connection.cursor().executemany(
        """
        INSERT INTO pyrus.sync_windows (account_id, stream, window_no, from_second, to_second)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (account_id, stream, window_no) DO NOTHING
        """,
        [(account_id, stream, number, *half) for number, half in halves.items()],
    )


def finish_windows(connection: Connection, account_id: int, stream: str, window_nos: Sequence[int]) -> None:
    query = """
        UPDATE pyrus.sync_windows SET done_at = now()
        WHERE account_id = %s AND stream = %s AND window_no = ANY(%s)
    """
    connection.execute(query, [account_id, stream, list(window_nos)])


def finish_backfill(connection: Connection, account_id: int, stream: str) -> datetime:
    """Records that all windows are done and returns the cursor to sync from: the account's own if it has one."""
    assert not pending_windows(connection, account_id, stream), "the cursor never passes windows that are not done"
    finish = "UPDATE pyrus.sync_backfills SET finished_at = now() WHERE account_id = %s AND stream = %s"
    connection.execute(finish, [account_id, stream])
    found = connection.execute(
        """
        INSERT INTO pyrus.sync_cursors (account_id, stream, cursor, updated_at)
        SELECT account_id, stream, cursor, now() FROM pyrus.sync_backfills WHERE account_id = %s AND stream = %s
        ON CONFLICT (account_id, stream) DO UPDATE SET cursor = sync_cursors.cursor
        RETURNING cursor
        """,
        [account_id, stream],
    ).fetchone()
    assert found, "a backfill was begun"
    cursor: datetime = found[0]
    return cursor
