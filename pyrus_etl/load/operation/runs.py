"""Runs: the table sync_runs. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from psycopg import sql

from pyrus_etl.postgres.connection import Connection

SILENCE = "15 seconds"
"""A run that is logging in is dead if it has shown no sign of life for this long."""

_COLUMNS_OF_RUNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass('pyrus.sync_runs') AND attnum > 0 AND NOT attisdropped
"""

KILLED = "It ended without a report; it was probably killed."


def open_run(connection: Connection, run_id: UUID, login: str | None, kind: str, started_at: datetime) -> None:
    """Records the start of a run, before its account is known; closes runs that died at this stage."""
    connection.execute(
        """
        UPDATE pyrus.sync_runs SET status = 'failed', finished_at = now(), error = %s
        WHERE account_id IS NULL AND status = 'running' AND alive_at < clock_timestamp() - %s::interval
        """,
        [KILLED, SILENCE],
    )
    connection.execute(
        """
        INSERT INTO pyrus.sync_runs (run_id, login, kind, status, started_at, alive_at)
        VALUES (%s, %s, %s, 'running', %s, clock_timestamp()) ON CONFLICT (run_id) DO NOTHING
        """,
        [run_id, login, kind, started_at],
    )


def show_alive(connection: Connection, run_id: UUID) -> None:
    """Records that a run which is logging in is alive."""
    connection.execute("UPDATE pyrus.sync_runs SET alive_at = clock_timestamp() WHERE run_id = %s", [run_id])


def forget_run(connection: Connection, run_id: UUID) -> None:
    """Deletes the row of a run that did nothing because another one is at work."""
    connection.execute("DELETE FROM pyrus.sync_runs WHERE run_id = %s AND account_id IS NULL", [run_id])


def join_account(
    connection: Connection, run_id: UUID, account_id: int, server_started_at: datetime, ahead_seconds: float
) -> None:
    """Records the account of a run. The run holds the lock, so all other runs of the account have ended."""
    connection.execute(
        """
        UPDATE pyrus.sync_runs SET status = 'failed', finished_at = now(), error = %s
        WHERE account_id = %s AND status = 'running' AND run_id <> %s
        """,
        [KILLED, account_id, run_id],
    )
    connection.execute(
        """
        UPDATE pyrus.sync_runs SET account_id = %s, server_started_at = %s, server_ahead_seconds = %s,
            status = 'running', finished_at = NULL, error = NULL, error_type = NULL
        WHERE run_id = %s
        """,
        [account_id, server_started_at, ahead_seconds, run_id],
    )


def write_run(connection: Connection, run_id: UUID, columns: Mapping[str, object]) -> None:
    """Updates columns of a run."""
    names = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns]
    statement = sql.SQL("UPDATE pyrus.sync_runs SET {} WHERE run_id = %s").format(sql.SQL(", ").join(names))
    connection.execute(statement, [*columns.values(), run_id])


def add_ended_run(connection: Connection, run_id: UUID, columns: Mapping[str, object]) -> None:
    """Records a run that ended before it had its row, as far as the table has the columns: it may be another version's.

    Does nothing if the run has its row, or if the table does not exist.
    """
    present = {name for (name,) in connection.execute(_COLUMNS_OF_RUNS)}
    kept = {"run_id": run_id, **{name: value for name, value in columns.items() if name in present}}
    if "run_id" in present:
        statement = sql.SQL("INSERT INTO pyrus.sync_runs ({}) VALUES ({}) ON CONFLICT (run_id) DO NOTHING")
        names, values = map(sql.Identifier, kept), [sql.Placeholder()] * len(kept)
        connection.execute(statement.format(sql.SQL(", ").join(names), sql.SQL(", ").join(values)), [*kept.values()])


def last_duration(connection: Connection, account_id: int) -> float:
    """Seconds that the last complete run took; 0 if there was none."""
    found = connection.execute(
        """
        SELECT extract(epoch FROM finished_at - started_at)::float8 FROM pyrus.sync_runs
        WHERE account_id = %s AND status = 'ok' AND kind IN ('backfill', 'sync', 'reconcile')
        ORDER BY started_at DESC LIMIT 1
        """,
        [account_id],
    ).fetchone()
    return found[0] if found else 0.0


def greatest_lag(connection: Connection, account_id: int) -> float:
    """The greatest lag of registers that runs of the last week saw, in seconds; 0 if none did."""
    query = """
        SELECT coalesce(max(register_lag_seconds), 0) FROM pyrus.sync_runs
        WHERE account_id = %s AND started_at > now() - interval '7 days'
    """
    found = connection.execute(query, [account_id]).fetchone()
    return found[0] if found else 0.0


def search_was_refused(connection: Connection, account_id: int) -> bool:
    """Whether a run of the last day found that the search of API v3 does not take the token of API v4."""
    query = """
        SELECT EXISTS (
            SELECT FROM pyrus.sync_runs
            WHERE account_id = %s AND NOT search_works AND started_at > now() - interval '1 day'
        )
    """
    found = connection.execute(query, [account_id]).fetchone()
    return bool(found and found[0])
