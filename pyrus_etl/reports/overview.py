"""The state of the sync, read from its own tables."""

from typing import Any, NamedTuple

from psycopg import sql
from psycopg.rows import dict_row

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.wide_views import catalogue, wide
from pyrus_etl.schema import operation, progress, quota
from pyrus_etl.schema.metadata import metadata

_OURS = {
    operation.accounts,
    operation.sync_alerts,
    operation.sync_arrivals,
    operation.sync_leases,
    operation.sync_run_totals,
    operation.sync_runs,
    operation.task_claims,
    progress.directory_sightings,
    progress.sync_backfills,
    progress.sync_cursors,
    progress.sync_feeds,
    progress.sync_hints,
    progress.sync_windows,
    quota.sync_quota_slices,
    quota.sync_quotas,
}
COUNTED = sorted(table.name for table in metadata.sorted_tables if table not in _OURS)
"""The tables whose rows are shown: those with what Pyrus has, and with what was set aside."""

_ACCOUNTS = """
    SELECT account_id, name, login, api, last_exit, next_at FROM pyrus.accounts
    ORDER BY coalesce(name, login), account_id
"""
_LAST_GOOD = """
    SELECT DISTINCT ON (account_id, kind) account_id, kind, run_id, started_at, finished_at,
           extract(epoch FROM now() - finished_at)::float8 AS age_seconds
    FROM pyrus.sync_runs WHERE status = 'ok' ORDER BY account_id, kind, started_at DESC
"""
_ERRORS_BY_ACCOUNT = """
    SELECT account_id, count(*) AS tasks FROM pyrus.sync_errors
    WHERE resolved_at IS NULL GROUP BY account_id ORDER BY account_id
"""
_WITHOUT_DETAIL = "SELECT count(*) FROM pyrus.tasks WHERE detail_at IS NULL AND deleted_at IS NULL"
_LOST_FORMS = "SELECT form_id, name, lost_at FROM pyrus.forms WHERE lost_at IS NOT NULL ORDER BY form_id"
_REFUSED_CATALOGS = """
    SELECT catalog_id, name, account_id, refused_at FROM pyrus.directory_sightings JOIN pyrus.catalogs
        ON stream = 'catalogs' AND thing_id = catalog_id
    WHERE refused_version = version AND contents_version IS DISTINCT FROM version ORDER BY catalog_id, account_id
"""


class Overview(NamedTuple):
    """The accounts, the last runs, the last good run of each kind, cursors with their lag, rows by table, open errors.

    `errors_by_account`: how many tasks each account has set aside. `wide_views`: how many wide views there are.
    `fields_waiting`: how many fields have no column in them yet. `lost_forms`: those that no account can read any more.
    `refused_catalogs`: those whose present items Pyrus refuses to an account. `tasks_without_detail`: those of which
    only a row of a register or a list is known yet.
    """

    accounts: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    last_good: list[dict[str, Any]]
    cursors: list[dict[str, Any]]
    rows: dict[str, int]
    open_errors: int
    errors_by_account: list[dict[str, Any]]
    wide_views: int
    fields_waiting: int
    lost_forms: list[dict[str, Any]]
    refused_catalogs: list[dict[str, Any]]
    tasks_without_detail: int


def overview(connection: Connection, most_runs: int = 10) -> Overview:
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        known = cursor.execute(_ACCOUNTS).fetchall()
        runs = cursor.execute("SELECT * FROM pyrus.sync_runs ORDER BY started_at DESC LIMIT %s", [most_runs]).fetchall()
        last_good = cursor.execute(_LAST_GOOD).fetchall()
        cursors = cursor.execute(
            """
            SELECT account_id, stream, cursor, updated_at, extract(epoch FROM now() - cursor)::float8 AS lag_seconds
            FROM pyrus.sync_cursors ORDER BY account_id, stream
            """
        ).fetchall()
        rows = {table: _count(connection, table) for table in COUNTED}
        errors = cursor.execute(_ERRORS_BY_ACCOUNT).fetchall()
        views, fields = len(wide.view_names(connection)), catalogue.fields_without_column(connection)
        tasks = sum(error["tasks"] for error in errors)
        lost, refused = cursor.execute(_LOST_FORMS).fetchall(), cursor.execute(_REFUSED_CATALOGS).fetchall()
        ((partial,),) = connection.execute(_WITHOUT_DETAIL).fetchall()
    return Overview(known, runs, last_good, cursors, rows, tasks, errors, views, fields, lost, refused, partial)


def _count(connection: Connection, table: str) -> int:
    found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("pyrus", table))).fetchone()
    return found[0] if found else 0
