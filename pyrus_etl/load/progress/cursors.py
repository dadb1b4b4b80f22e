"""The cursor: everything that changed before it, by the server's clock, is stored.

Every function works inside the caller's transaction.
"""

from datetime import datetime
from uuid import UUID

from pyrus_etl.postgres.connection import Connection


def read_cursor(connection: Connection, account_id: int, stream: str) -> datetime | None:
    found = connection.execute(
        "SELECT cursor FROM pyrus.sync_cursors WHERE account_id = %s AND stream = %s", [account_id, stream]
    ).fetchone()
    return found[0] if found else None


def move_cursor(
    connection: Connection, account_id: int, stream: str, run_id: UUID, start: datetime, ahead_seconds: float
) -> None:
    """Moves the cursor to the start of a run by the server's clock, which was `ahead_seconds` ahead of ours then."""
    connection.execute(
        """
        INSERT INTO pyrus.sync_cursors (account_id, stream, cursor, updated_at) VALUES (%s, %s, %s, now())
        ON CONFLICT (account_id, stream) DO UPDATE SET cursor = EXCLUDED.cursor, updated_at = EXCLUDED.updated_at
        """,
        [account_id, stream, start],
    )
    connection.execute(
        "UPDATE pyrus.sync_runs SET server_started_at = %s, server_ahead_seconds = %s WHERE run_id = %s",
        [start, ahead_seconds, run_id],
    )


def trusted_start(
    connection: Connection, account_id: int, cursor: datetime, now: datetime, most_ahead: float
) -> datetime | None:
    """The cursor, if the clocks allow it; else the last start of a complete run that they allow; None if there is none.

    They do not allow a start that is later than `now` by the server's clock, or one taken from a clock that was more
    than `most_ahead` seconds ahead of ours.
    """
    if cursor <= now and not _was_ahead(connection, account_id, cursor, most_ahead):
        return cursor
    found = connection.execute(
        """
        SELECT max(server_started_at) FROM pyrus.sync_runs
        WHERE account_id = %s AND status = 'ok' AND kind IN ('backfill', 'sync', 'reconcile')
          AND server_started_at <= %s AND server_ahead_seconds <= %s
        """,
        [account_id, now, most_ahead],
    ).fetchone()
    return found[0] if found else None


def _was_ahead(connection: Connection, account_id: int, start: datetime, most_ahead: float) -> bool:
    """Whether the clock that a start was taken from is known to have been more than `most_ahead` seconds ahead."""
    found = connection.execute(
        """
        SELECT server_ahead_seconds > %s FROM pyrus.sync_runs
        WHERE account_id = %s AND server_started_at = %s ORDER BY run_id DESC LIMIT 1
        """,
        [most_ahead, account_id, start],
    ).fetchone()
    return bool(found and found[0])
