"""How old the data are: when the last good run of each account ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pyrus_etl.errors import DataStale
from pyrus_etl.postgres.connection import Connection

_LAST_GOOD = """
    SELECT account_id, run.run_id, run.kind, run.finished_at,
           extract(epoch FROM clock_timestamp() - run.finished_at)::float8
    FROM pyrus.sync_cursors AS cursor CROSS JOIN LATERAL (
        SELECT run_id, kind, finished_at FROM pyrus.sync_runs
        WHERE account_id = cursor.account_id AND status = 'ok' AND kind IN ('backfill', 'sync', 'reconcile')
        ORDER BY finished_at DESC LIMIT 1
    ) AS run
    WHERE stream = 'tasks' ORDER BY account_id
"""

_LATEST_ERROR = """
    SELECT status, error FROM pyrus.sync_runs
    WHERE account_id = %s OR account_id IS NULL AND login = (
        SELECT login FROM pyrus.sync_runs WHERE account_id = %s AND login IS NOT NULL ORDER BY started_at DESC LIMIT 1
    )
    ORDER BY started_at DESC LIMIT 1
"""
"""A run that could not log in counts for the account that last logged in so."""


class LastGood(NamedTuple):
    """The last run of an account that brought its tasks up to date, and how many seconds ago it ended."""

    account_id: int
    run_id: UUID
    kind: str
    finished_at: datetime
    age: float

    def __str__(self) -> str:
        at = self.finished_at.astimezone(UTC)
        return (
            f"the last good run of account {self.account_id} ended {duration(self.age)} ago ({at:%Y-%m-%d %H:%M} UTC)"
        )


def last_good_runs(connection: Connection) -> list[LastGood]:
    """Returns the last good run of each account; an account without a cursor has none."""
    return [LastGood(*row) for row in connection.execute(_LAST_GOOD)]


def require_fresh(connection: Connection, max_age: timedelta) -> None:
    """Raises DataStale if the last good run of an account is older, or if no run has ended well yet."""
    runs = last_good_runs(connection)
    if not runs:
        raise DataStale("No run has brought the tasks up to date yet; run pyrus-etl sync.")
    if old := list(stale(runs, max_age)):
        limit = duration(max_age.total_seconds())
        raise DataStale(f"Longer than {limit} ago: {'; '.join(map(str, old))}{_why(connection, old[0].account_id)}.")


def _why(connection: Connection, account_id: int) -> str:
    """The error of the account's latest run, if there is one."""
    status, error = connection.execute(_LATEST_ERROR, [account_id] * 2).fetchone() or ("", None)
    ended = "stopped early" if status == "partial" else status
    return f"; its latest run {ended}: {error.rstrip('.')}" if error else ""


def stale(runs: list[LastGood], max_age: timedelta) -> Iterator[LastGood]:
    """Yields those that ended longer ago than `max_age`."""
    return (run for run in runs if run.age > max_age.total_seconds())


def duration(seconds: float) -> str:
    """Writes a duration in the largest unit of which it has at least two."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
