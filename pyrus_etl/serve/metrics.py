"""The figures for Prometheus, read from the tables, so that the runs of every process count.

The names and labels are fixed.
"""

from collections.abc import Iterator, Mapping
from typing import LiteralString

from prometheus_client import Metric
from psycopg import sql

from pyrus_etl.load.sharing.quotas import remaining
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.overview import COUNTED
from pyrus_etl.schema.counts import TASKS, Counts
from pyrus_etl.serve.exposition import counter, exposed, gauge
from pyrus_etl.settings import Quota

MOST_COUNTED = 1_000_000
"""The rows of a larger table are estimated: to count them would take seconds at each look."""

_TASK_COUNTS = [name for name in Counts().as_columns() if name.startswith("tasks_")]

_RUNS: LiteralString = """
    SELECT kind, status, sum(runs)::bigint FROM (
        SELECT kind, status, count(*) AS runs FROM pyrus.sync_runs WHERE status <> 'running' GROUP BY 1, 2
        UNION ALL SELECT kind, status, runs FROM pyrus.sync_run_totals
    ) AS each GROUP BY 1, 2
"""
_LAST_SUCCESS: LiteralString = """
    SELECT kind, extract(epoch FROM max(finished_at))::float8 FROM pyrus.sync_runs WHERE status = 'ok' GROUP BY kind
"""
_LAG: LiteralString = "SELECT extract(epoch FROM now() - min(cursor))::float8 FROM pyrus.sync_cursors"
_OPEN_ERRORS: LiteralString = "SELECT count(*) FROM pyrus.sync_errors WHERE resolved_at IS NULL"
_ESTIMATES: LiteralString = """
    SELECT relname, greatest(reltuples::bigint, pg_stat_get_live_tuples(oid)) FROM pg_class
    WHERE relnamespace = 'pyrus'::regnamespace AND relkind IN ('r', 'p')
"""


def metrics(
    connection: Connection, quotas: Mapping[str | None, Quota], webhooks: Mapping[str, int] | None = None
) -> bytes:
    """Returns all figures in the text format; `connection` only reads.

    `quotas`: by the login of the runs that share it; None counts the requests of all runs. `webhooks`: how many
    this process has received by outcome; None if it takes none.
    """
    return exposed(_families(connection, quotas, webhooks))


def _families(
    connection: Connection, quotas: Mapping[str | None, Quota], webhooks: Mapping[str, int] | None
) -> Iterator[Metric]:
    yield counter("runs", "Runs that ended.", ("kind", "status"), connection.execute(_RUNS))
    totals = _totals(connection)
    yield counter("requests", "Requests sent to Pyrus and to file services.", (), [(totals.pop("requests"),)])
    outcomes = [(name.removeprefix(f"{TASKS}_"), total) for name, total in totals.items()]
    yield counter("tasks", "Tasks by what runs did with them.", ("outcome",), outcomes)
    yield gauge(
        "last_success_timestamp_seconds",
        "When the last good run of a kind ended, in seconds since 1970.",
        ("kind",),
        connection.execute(_LAST_SUCCESS),
    )
    lag = [row for row in connection.execute(_LAG) if row != (None,)]
    yield gauge("lag_seconds", "Age of the cursor: all older changes are stored.", (), lag)
    yield gauge("open_errors", "Tasks that are set aside.", (), connection.execute(_OPEN_ERRORS))
    left = sum(remaining(connection, quota, login) for login, quota in quotas.items())
    yield gauge("quota_remaining", "Requests that the quota allows at this moment.", (), [(left,)])
    yield gauge("rows", "Rows of a table; estimated if it is large.", ("table",), _rows(connection))
    if webhooks is not None:
        yield counter("webhooks", "Webhooks by what became of them.", ("outcome",), webhooks.items())


def _totals(connection: Connection) -> dict[str, int]:
    """The sums of the counters of all runs, by name; of those too whose rows are removed."""
    names = ["requests", *_TASK_COUNTS]
    sums = [sql.SQL("coalesce(sum({}), 0)::bigint").format(sql.Identifier(name)) for name in names]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    query = sql.SQL(
        "SELECT {} FROM (SELECT {} FROM pyrus.sync_runs UNION ALL SELECT {} FROM pyrus.sync_run_totals) AS each"
    ).format(sql.SQL(", ").join(sums), columns, columns)
    (totals,) = connection.execute(query).fetchall()
    return dict(zip(names, totals, strict=True))


def _rows(connection: Connection) -> Iterator[tuple[str, int]]:
    estimates: dict[str, int] = dict(connection.execute(_ESTIMATES).fetchall())
    for table in COUNTED:
        rows = estimates.get(table, 0)
        if rows <= MOST_COUNTED:
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("pyrus", table))
            ((rows,),) = connection.execute(query).fetchall()
        yield table, rows
