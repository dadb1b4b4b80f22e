"""Old rows about runs that nobody needs any more. Every function works inside the caller's transaction."""

from datetime import timedelta

from psycopg import sql

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.counts import COUNTERS

HINTS_KEPT = timedelta(days=1)
"""Good runs of kind hints: with webhooks, there may be one every few seconds."""
MOST_AT_ONCE = 10_000
"""Runs that a run removes, so that the first one after an upgrade does not take long."""

_SUMMED = ["runs", *(counter.name for counter in COUNTERS)]
_RUNS = sql.SQL("""
    WITH last AS (
        SELECT account_id, login, kind, status, max(started_at) AS started_at FROM pyrus.sync_runs GROUP BY 1, 2, 3, 4
    ), old AS (
        SELECT run_id FROM pyrus.sync_runs AS run JOIN last USING (kind, status)
        WHERE (last.account_id, last.login) IS NOT DISTINCT FROM (run.account_id, run.login)
            AND run.started_at < last.started_at AND status <> 'running' AND finished_at < now() - CASE
                WHEN kind = 'hints' AND status = 'ok' THEN {hints}::interval ELSE {keep}::interval END
        LIMIT {most}
    ), gone AS (
        DELETE FROM pyrus.sync_runs USING old WHERE sync_runs.run_id = old.run_id RETURNING sync_runs.*, 1 AS runs
    )
    INSERT INTO pyrus.sync_run_totals AS total (kind, status, {names})
    SELECT kind, status, {sums} FROM gone GROUP BY kind, status ORDER BY kind, status
    ON CONFLICT (kind, status) DO UPDATE SET {added}
""")
_OTHERS = """
    WITH errors AS (
        DELETE FROM pyrus.sync_errors WHERE resolved_at < now() - %(keep)s::interval
    ), hints AS (
        DELETE FROM pyrus.sync_hints WHERE last_at < now() - %(keep)s::interval
    )
    DELETE FROM pyrus.sync_alerts AS alert
    WHERE sent_at < now() - %(keep)s::interval AND EXISTS (
        SELECT FROM pyrus.sync_alerts AS later WHERE later.event = alert.event AND later.alert_id > alert.alert_id
            AND (later.account_id, later.login) IS NOT DISTINCT FROM (alert.account_id, alert.login)
    )
"""


def forget_old(connection: Connection, keep: timedelta) -> None:
    """Removes runs that ended, errors that were closed and alerts that were sent longer ago than `keep`.

    The last run of each account, kind and outcome stays, and so does the last alert of each event: they say how things
    are. What removed runs have counted is added to sync_run_totals. A hint that is so old is one of an account that no
    longer runs.
    """
    connection.execute(
        _RUNS.format(
            hints=min(keep, HINTS_KEPT),
            keep=keep,
            most=MOST_AT_ONCE,
            names=_listed("{}"),
            sums=_listed("sum({})"),
            added=_listed("{0} = total.{0} + EXCLUDED.{0}"),
        )
    )
    connection.execute(_OTHERS, {"keep": keep})


def _listed(each: str) -> sql.Composed:
    """A list with an entry for each summed column."""
    return sql.SQL(", ").join(sql.SQL(each).format(sql.Identifier(name)) for name in _SUMMED)
