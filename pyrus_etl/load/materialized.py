"""Materialised reports: the rows of a view as of the last refresh, where an account is so large that the view is slow.

A report `x` is materialised as `x_materialized` beside it, with the same columns and comments, and indexes on what one
asks by. PostgreSQL knows what is materialised; nothing else remembers it. What others made in the schema is theirs.
"""

import logging
from collections.abc import Iterable

import psycopg
from psycopg import sql

from pyrus_etl.errors import SettingsError
from pyrus_etl.load import wide
from pyrus_etl.load.connection import Connection
from pyrus_etl.load.patience import PATIENCE, patiently
from pyrus_etl.schema.metadata import REPORT_SCHEMA

log = logging.getLogger(__name__)

SUFFIX = "_materialized"
LONGEST_NAME = 63 - len(SUFFIX)
"""Bytes that the name of a report may have, for PostgreSQL cuts what is longer than 63."""

ASKED_BY = ("task_id", "form_id", "project_id", "person_id")
"""Columns with an index, beside the first that is a date."""

_REFUSED = (psycopg.errors.ProgramLimitExceeded, psycopg.errors.DuplicateColumn)
"""What a table cannot have where a view can: rows longer than a page, and columns called like those of the system."""

_PRESENT = """
    SELECT matviewname, ispopulated FROM pg_matviews WHERE schemaname = %s AND matviewname = ANY (%s) ORDER BY 1
"""
_RELATION = "to_regclass(format('%%I.%%I', %s::text, %s::text))"
_KIND = f"SELECT relkind, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = {_RELATION}"  # noqa: S608 -- constants
_COLUMNS = f"""
    SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = {_RELATION} AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""  # noqa: S608 -- constants


def present(connection: Connection) -> list[str]:
    """The names of the reports that are materialised."""
    return list(_present(connection))


def materialize(connection: Connection, view: str) -> None:
    """Materialises a report, or brings its rows up to date, in a transaction of its own; who reads it waits.

    Where the report has got other columns it is made anew, unless somebody's own view stands on it: then it keeps those
    that it has. Raises SettingsError where there is no such report, its name cannot be had, or its rows are too long.
    """
    if view not in wide.reports(connection):
        raise SettingsError(f"There is no report {view!r} in {REPORT_SCHEMA}; docs/reports.md lists them.")
    if len(view.encode()) > LONGEST_NAME:
        raise SettingsError(f"{view} cannot be materialised: its name is longer than {LONGEST_NAME} bytes.")
    try:
        patiently(lambda: _materialize(connection, view))
    except _REFUSED as error:
        said = error.diag.message_primary
        raise SettingsError(f"{view} cannot be materialised, PostgreSQL cannot keep such a table: {said}.") from error


def dematerialize(connection: Connection, view: str) -> None:
    """Drops what a report is materialised as; the report itself stays. Raises SettingsError where it is not."""
    if view not in present(connection):
        raise SettingsError(f"There is no {REPORT_SCHEMA}.{view}{SUFFIX} to be dropped.")
    patiently(lambda: _dematerialize(connection, view))


def populate(connection: Connection) -> None:
    """Fills what was created and has no rows yet."""
    for view in [view for view, is_populated in _present(connection).items() if not is_populated]:
        materialize(connection, view)


def create(connection: Connection, views: Iterable[str]) -> None:
    """Materialises reports without their rows, inside the caller's transaction; see `populate`."""
    for view in views:
        statement = sql.SQL("CREATE MATERIALIZED VIEW {} AS TABLE {} WITH NO DATA")
        connection.execute(statement.format(_name(view), sql.Identifier(REPORT_SCHEMA, view)))
        columns = connection.execute(_COLUMNS, [REPORT_SCHEMA, view]).fetchall()
        dates = [name for name, kind, _ in columns if kind.startswith(("date", "timestamp"))]
        for name in [*(name for name, *_ in columns if name in ASKED_BY), *dates[:1]]:
            connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(_name(view), sql.Identifier(name)))


def drop(connection: Connection, views: Iterable[str]) -> None:
    """Drops what reports are materialised as, inside the caller's transaction."""
    for view in views:
        connection.execute(sql.SQL("DROP MATERIALIZED VIEW {}").format(_name(view)))


def _present(connection: Connection) -> dict[str, bool]:
    """The reports that are materialised, and whether they have rows."""
    names = [view + SUFFIX for view in wide.reports(connection)]
    found = connection.execute(_PRESENT, [REPORT_SCHEMA, names]).fetchall()
    return {name.removesuffix(SUFFIX): is_populated for name, is_populated in found}


def _materialize(connection: Connection, view: str) -> None:
    with connection.transaction():
        connection.execute(PATIENCE)
        connection.execute("LOCK TABLE pyrus.report_views IN SHARE ROW EXCLUSIVE MODE")  # one at a time
        kind, _ = connection.execute(_KIND, [REPORT_SCHEMA, view + SUFFIX]).fetchone() or (None, None)
        if kind is None:
            create(connection, [view])
        elif kind != "m":
            raise SettingsError(f"{REPORT_SCHEMA}.{view}{SUFFIX} is something else already; rename it.")
        elif _columns(connection, view) != _columns(connection, view + SUFFIX):
            _make_anew(connection, view)
        _describe(connection, view)
        connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(_name(view)))
        connection.execute(sql.SQL("ANALYZE {}").format(_name(view)))


def _make_anew(connection: Connection, view: str) -> None:
    try:
        with connection.transaction():
            drop(connection, [view])
            create(connection, [view])
    except psycopg.errors.DependentObjectsStillExist:
        log.warning("%s%s keeps its old columns, for views of your own stand on it", view, SUFFIX)


def _dematerialize(connection: Connection, view: str) -> None:
    with connection.transaction():
        connection.execute(PATIENCE)
        drop(connection, [view])


def _describe(connection: Connection, view: str) -> None:
    """Gives it the comments of the report."""
    _, question = connection.execute(_KIND, [REPORT_SCHEMA, view]).fetchone() or (None, None)
    _comment(connection, sql.SQL("MATERIALIZED VIEW {}").format(_name(view)), f"{question} As of the last refresh.")
    has = dict(_columns(connection, view + SUFFIX))
    for name, _, comment in connection.execute(_COLUMNS, [REPORT_SCHEMA, view]).fetchall():
        if name in has:
            column = sql.Identifier(REPORT_SCHEMA, view + SUFFIX, name)
            _comment(connection, sql.SQL("COLUMN {}").format(column), comment or "")


def _columns(connection: Connection, relation: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, _ in connection.execute(_COLUMNS, [REPORT_SCHEMA, relation])]


def _name(view: str) -> sql.Identifier:
    return sql.Identifier(REPORT_SCHEMA, view + SUFFIX)


def _comment(connection: Connection, on: sql.Composed, text: str) -> None:
    connection.execute(sql.SQL("COMMENT ON {} IS {}").format(on, sql.Literal(text)))
