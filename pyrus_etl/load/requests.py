"""Requests of recent runs (sync_requests): they show how much of the quota is left for the next run.

Every function works inside the caller's transaction.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from pyrus_etl.postgres.connection import Connection

KEPT = "1 hour"
"""Requests are stored for this long, or for a period of the quota if that is longer."""


class Sent(NamedTuple):
    """Requests that a run sent in one second; the times are in seconds since 1970, by the database's clock.

    `account_id`: the account whose lock the run holds; then it may still be alive.
    """

    login: str | None
    second: float
    requests: int
    account_id: int | None


def write_requests(connection: Connection, run_id: UUID, rows: Mapping[int, int]) -> None:
    """Writes the number of requests sent in each second, unless the run has no row; safe to repeat."""
    connection.execute(
        """
        INSERT INTO pyrus.sync_requests (run_id, second, requests)
        SELECT run_id, to_timestamp(sent.second), sent.requests
        FROM pyrus.sync_runs, unnest(%s::bigint[], %s::integer[]) AS sent (second, requests)
        WHERE run_id = %s
        ON CONFLICT (run_id, second) DO UPDATE SET requests = EXCLUDED.requests
        """,
        [list(rows), list(rows.values()), run_id],
    )


def forget_requests(connection: Connection, period: float) -> None:
    """Deletes what is too old for any run."""
    connection.execute(
        """
        DELETE FROM pyrus.sync_requests
        WHERE second < clock_timestamp() - greatest(%s::interval, make_interval(secs => %s))
        """,
        [KEPT, period + 1],
    )


def recent_requests(connection: Connection, run_id: UUID, login: str | None, period: float) -> list[Sent]:
    """The requests that other runs of the login sent within the last period, in order.

    Runs whose login is not known count too, and all runs if `login` is None.
    """
    found = connection.execute(
        """
        SELECT login, extract(epoch FROM second)::float8, sync_requests.requests, sync_leases.account_id
        FROM pyrus.sync_requests
            JOIN pyrus.sync_runs USING (run_id)
            LEFT JOIN pyrus.sync_leases ON sync_leases.run_id = sync_runs.run_id AND expires_at > clock_timestamp()
        WHERE sync_requests.run_id <> %(run_id)s AND sync_requests.requests > 0
            AND second > clock_timestamp() - make_interval(secs => %(period)s)
            AND (login = %(login)s) IS NOT FALSE
        ORDER BY second
        """,
        {"run_id": run_id, "login": login, "period": period + 1},
    )
    return [Sent(*row) for row in found.fetchall()]


def database_clock(connection: Connection) -> float:
    """Seconds since 1970 by the database's clock."""
    ((now,),) = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchall()
    return float(now)
