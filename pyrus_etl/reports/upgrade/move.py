"""Everything that is stored, from one database to another."""

import logging

from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres import transfer
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.schema import SCHEMA, metadata
from pyrus_etl.schema.operation import sync_runs
from pyrus_etl.schema.report import report_settings
from pyrus_etl.schema.working import working_periods
from pyrus_etl.settings import Retry, Secret
from pyrus_etl.settings.retry import LOCKS

log = logging.getLogger(__name__)

OF_AN_EMPTY_DATABASE = (report_settings.name, working_periods.name)
"""Tables that have rows as soon as they exist."""


def move(source: Secret, target: Secret, locks: Retry = LOCKS) -> dict[str, int]:
    """Copies all rows to a database that has none, creates the schema and the reports there; returns rows by table.

    All of it is committed at once, as it was at one moment; no run can write to the source in the meantime. What users
    added to the source themselves (roles, privileges, views, indexes) is not copied. Raises DatabaseUnavailable.
    """
    upgrade(target, locks=locks)
    tables = {(SCHEMA, table.name): [column.name for column in table.columns] for table in metadata.sorted_tables}
    copied: dict[str, int] = {}
    with connect(source) as old, connect(target) as new:
        require_schema(old)
        with transfer.snapshot(old, (SCHEMA, sync_runs.name)), new.transaction():
            _require_empty(new, tables)
            for table, rows in transfer.copy_rows(old, new, tables):
                log.info("%s: %d rows", table, rows)
                copied[table] = rows
        refresh(new, locks)
        new.execute("ANALYZE")
    return copied


def _require_empty(target: Connection, tables: transfer.Columns) -> None:
    """Empties what an empty database has; raises DatabaseUnavailable if there is more."""
    full = [name for name in transfer.tables_with_rows(target, tables) if name not in OF_AN_EMPTY_DATABASE]
    if full:
        raise DatabaseUnavailable(
            f"The database of DATABASE_URL already has rows, in {SCHEMA}.{full[0]}; name one without in DATABASE_URL."
        )
    for name in OF_AN_EMPTY_DATABASE:
        target.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(SCHEMA, name)))
