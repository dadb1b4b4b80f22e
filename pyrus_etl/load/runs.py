"""Runs, as kept in sync_runs. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from psycopg import sql

from pyrus_etl.load.connection import Connection


def open_run(connection: Connection, run_id: UUID, account_id: int, kind: str, started_at: datetime) -> None:
    """Notes that a run begins, and that those which never came to an end failed."""
    connection.execute(
        """
        UPDATE pyrus.sync_runs SET status = 'failed', finished_at = now(), error = 'It ended without a word: killed?'
        WHERE account_id = %s AND status = 'running' AND run_id <> %s
        """,
        [account_id, run_id],
    )
    connection.execute(
        """
        INSERT INTO pyrus.sync_runs (run_id, account_id, kind, status, started_at)
        VALUES (%s, %s, %s, 'running', %s) ON CONFLICT (run_id) DO NOTHING
        """,
        [run_id, account_id, kind, started_at],
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
        WHERE account_id = %s AND status = 'ok' AND kind <> 'retry' ORDER BY started_at DESC LIMIT 1
        """,
        [account_id],
    ).fetchone()
    return found[0] if found else 0.0
