"""When a run is due again, from the runs that ended: those of every process count.

Every function works inside the caller's transaction. `login`: of the runs that are looked at; None looks at all.
"""

from datetime import datetime, timedelta
from typing import LiteralString, NamedTuple

from pyrus_etl.postgres.connection import Connection

LEAST_BETWEEN_CENSUSES = timedelta(hours=1)
"""Whatever makes a census fail need not pass sooner."""

FETCHING: LiteralString = "kind IN ('backfill', 'sync', 'reconcile') AND (login = %(login)s) IS NOT FALSE"
"""The runs that bring everything up to date."""


class Ended(NamedTuple):
    """A run that ended, and how many seconds ago."""

    kind: str
    status: str
    error: str | None
    finished_at: datetime
    seconds_ago: float


def last_ended(connection: Connection, login: str | None, status: str | None = None) -> Ended | None:
    """The last run that ended; with `status`, the last one that ended so."""
    query: LiteralString = f"""
        SELECT kind, status, error, finished_at, extract(epoch FROM clock_timestamp() - finished_at)::float8
        FROM pyrus.sync_runs
        WHERE {FETCHING} AND finished_at IS NOT NULL AND (status = %(status)s) IS NOT FALSE
        ORDER BY started_at DESC LIMIT 1
    """  # noqa: S608 -- a constant
    found = connection.execute(query, {"login": login, "status": status}).fetchone()
    return Ended(*found) if found else None


def running_since(connection: Connection, login: str | None) -> datetime | None:
    """When the run that is under way began."""
    query: LiteralString = f"SELECT max(started_at) FROM pyrus.sync_runs WHERE {FETCHING} AND status = 'running'"  # noqa: S608 -- a constant
    ((since,),) = connection.execute(query, {"login": login}).fetchall()
    return since  # type: ignore[no-any-return] # a column of timestamps


def census_is_due(connection: Connection, login: str | None, every: float, at_least: float) -> bool:
    """Whether the last good census began `every` seconds ago; or, without one, the first good run.

    A doubted census counts as a good one: a person has to look, and another would be doubted too.
    Not if one was tried within `at_least` seconds: whatever made it fail need not have passed.
    """
    query: LiteralString = f"""
        SELECT coalesce(
            coalesce(max(started_at) FILTER (
                         WHERE kind = 'reconcile' AND (status = 'ok' OR error_type = 'CensusDoubted')),
                     min(started_at) FILTER (WHERE status = 'ok'))
                < clock_timestamp() - make_interval(secs => %(every)s)
            AND max(started_at) FILTER (WHERE kind = 'reconcile')
                > clock_timestamp() - make_interval(secs => %(at_least)s) IS NOT TRUE, false)
        FROM pyrus.sync_runs WHERE {FETCHING}
    """  # noqa: S608 -- a constant
    ((is_due,),) = connection.execute(query, {"login": login, "every": every, "at_least": at_least}).fetchall()
    return bool(is_due)
