"""Materialised reports: the rows of a view as of the last refresh, where an account is so large that the view is slow.

A report `x` is materialised as `x_materialized` beside it, with the same columns, its comments, and indexes on what one
asks by. PostgreSQL knows what is materialised; nothing else remembers it.
"""

from psycopg import sql

from pyrus_etl.errors import SettingsError
from pyrus_etl.load.connection import Connection
from pyrus_etl.schema.metadata import REPORT_SCHEMA

SUFFIX = "_materialized"
LONGEST_NAME = 63 - len(SUFFIX)
"""Bytes that the name of a report may have, for PostgreSQL cuts what is longer than 63."""

ASKED_BY = ("task_id", "form_id", "project_id", "person_id")
"""Columns with an index, beside the first that is a date."""

_VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = %s AND viewname = %s"
_PRESENT = "SELECT matviewname FROM pg_matviews WHERE schemaname = %s AND right(matviewname, %s) = %s ORDER BY 1"
_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
_DESCRIPTION = "SELECT obj_description(to_regclass(format('%%I.%%I', %s::text, %s::text)), 'pg_class')"


def present(connection: Connection) -> list[str]:
    """The names of the reports that are materialised."""
    found = connection.execute(_PRESENT, [REPORT_SCHEMA, len(SUFFIX), SUFFIX]).fetchall()
    return [name.removesuffix(SUFFIX) for (name,) in found]


def materialize(connection: Connection, view: str) -> None:
    """Materialises a report, or brings its rows up to date; inside the caller's transaction.

    Who reads it meanwhile waits. Raises SettingsError where there is no such report, or its name is too long.
    """
    if connection.execute(_VIEWS, [REPORT_SCHEMA, view]).fetchone() is None:
        raise SettingsError(f"There is no report {view!r} in {REPORT_SCHEMA}; docs/reports.md lists them.")
    if len(view.encode()) > LONGEST_NAME:
        raise SettingsError(f"{view}: its name is too long to be materialised, by more than {LONGEST_NAME} bytes.")
    if _columns(connection, view) == _columns(connection, view + SUFFIX):
        connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(_name(view)))
    else:  # there is none, or the report has got other columns since
        drop(connection, view)
        _create(connection, view)
    connection.execute(sql.SQL("ANALYZE {}").format(_name(view)))


def drop(connection: Connection, view: str) -> None:
    """Drops what a report is materialised as; the report itself stays."""
    connection.execute(sql.SQL("DROP MATERIALIZED VIEW IF EXISTS {}").format(_name(view)))


def _create(connection: Connection, view: str) -> None:
    of_view = sql.Identifier(REPORT_SCHEMA, view)
    connection.execute(sql.SQL("CREATE MATERIALIZED VIEW {} AS TABLE {}").format(_name(view), of_view))
    (question,) = connection.execute(_DESCRIPTION, [REPORT_SCHEMA, view]).fetchone() or ("",)
    _comment(connection, sql.SQL("MATERIALIZED VIEW {}").format(_name(view)), f"{question} As of the last refresh.")
    columns = connection.execute(_COLUMNS, [REPORT_SCHEMA, view]).fetchall()
    for name, _, comment in columns:
        on = sql.SQL("COLUMN {}").format(sql.Identifier(REPORT_SCHEMA, view + SUFFIX, name))
        _comment(connection, on, comment or "")
    dates = [name for name, kind, _ in columns if kind.startswith(("date", "timestamp"))]
    for name in [*(name for name, *_ in columns if name in ASKED_BY), *dates[:1]]:
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(_name(view), sql.Identifier(name)))


def _columns(connection: Connection, relation: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, _ in connection.execute(_COLUMNS, [REPORT_SCHEMA, relation])]


def _name(view: str) -> sql.Identifier:
    return sql.Identifier(REPORT_SCHEMA, view + SUFFIX)


def _comment(connection: Connection, on: sql.Composed, text: str) -> None:
    connection.execute(sql.SQL("COMMENT ON {} IS {}").format(on, sql.Literal(text)))
