"""The cursor: all that changed before it, by the server's clock, is stored.

Every function works inside the caller's transaction.
"""

from datetime import datetime

from pyrus_etl.load.connection import Connection

TASKS = "tasks"
"""The stream that the sync follows."""


def read_cursor(connection: Connection, account_id: int) -> datetime | None:
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
