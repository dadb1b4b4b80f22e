"""The views of the reports: made anew by every `db upgrade`, inside the caller's transaction."""

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.load.connection import Connection
from pyrus_etl.schema.metadata import REPORT_SCHEMA
from pyrus_etl.schema.views import views

InTheWay = (
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.DependentObjectsStillExist,
)
"""What PostgreSQL says where views are in the way of what they are to become, or of a migration."""


def create(connection: Connection) -> None:
    """Makes every view what this version says, and drops those that it does not know.

    Raises one of `InTheWay` where a view cannot be changed in its place.
    """
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {REPORT_SCHEMA}")
    connection.execute(f"COMMENT ON SCHEMA {REPORT_SCHEMA} IS 'Reports on the tables of pyrus; made by pyrus-etl.'")
    ours = views()
    for text in ours.values():
        connection.execute(text.encode())
    _drop(connection, [name for name in _found(connection) if name not in ours])


def drop(connection: Connection) -> None:
    """Drops all views; raises DatabaseUnavailable where views of somebody else stand on them."""
    _drop(connection, _found(connection))


def _found(connection: Connection) -> list[str]:
    query = "SELECT viewname FROM pg_views WHERE schemaname = %s ORDER BY viewname"
    return [name for (name,) in connection.execute(query, [REPORT_SCHEMA])]


def _drop(connection: Connection, names: list[str]) -> None:
    if not names:
        return
    try:
        connection.execute(
            sql.SQL("DROP VIEW {}").format(sql.SQL(", ").join(sql.Identifier(REPORT_SCHEMA, name) for name in names))
        )
    except psycopg.errors.DependentObjectsStillExist as error:
        raise DatabaseUnavailable(
            "Views of your own stand on reports that have to change; drop them, run pyrus-etl db upgrade, and make "
            f"them again: {(error.diag.message_detail or '').replace(chr(10), '; ')}."
        ) from error
