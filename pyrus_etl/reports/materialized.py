"""Materialised reports: the rows of a view as of the last refresh, for accounts so large that the view is slow.

A report `x` is materialised as `x_materialized`, with the same columns and comments, and with indexes on the columns
that queries filter by. PostgreSQL's catalog is the only record of this. Objects of others in the schema are left alone.
"""

import logging
from collections.abc import Container, Iterable, Mapping

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.locks import LOCK_TIMEOUT, with_lock_retries
from pyrus_etl.reports.attached import attached, restore, warn_of_lost
from pyrus_etl.reports.settings import require_time_zone
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.schema.metadata import MATERIALIZED, REPORT_SCHEMA
from pyrus_etl.settings import Retry
from pyrus_etl.settings.retry import LOCKS

log = logging.getLogger(__name__)

SUFFIX = MATERIALIZED
LONGEST_NAME = 63 - len(SUFFIX)
"""Longest name of a report in bytes, because PostgreSQL cuts names after 63 bytes.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

ASKED_BY = ("task_id", "form_id", "project_id", "person_id")
"""Columns with an index, in addition to the first date."""

_REFUSED = (psycopg.errors.ProgramLimitExceeded, psycopg.errors.DuplicateColumn)
"""What only a view can have: rows longer than a page, and columns named like system columns."""

_PRESENT = """
    SELECT matviewname, ispopulated FROM pg_matviews WHERE schemaname = %s AND matviewname = ANY (%s) ORDER BY 1
"""
_OUTDATED = """
    SELECT EXISTS (
        SELECT FROM pyrus.sync_runs
        WHERE tasks_changed + tasks_deleted > 0 AND coalesce(finished_at, started_at) > (
            SELECT min(coalesce(pg_stat_get_last_analyze_time(oid), '-infinity')) FROM pg_class
            WHERE relnamespace = %s::regnamespace AND relname = ANY (%s)
        )
    )
"""
_RELATION = "to_regclass(format('%%I.%%I', %s::text, %s::text))"
_KIND = f"SELECT relkind, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = {_RELATION}"  # noqa: S608 -- constants
_COLUMNS = f"""
    SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = {_RELATION} AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""  # noqa: S608 -- constants


def present(connection: Connection) -> list[str]:
    """Returns the names of the materialised reports."""
    return list(_present(connection))


def are_outdated(connection: Connection) -> bool:
    """Whether a run has changed rows since the oldest one was refreshed: then ANALYZE was run on it."""
    names = [view + SUFFIX for view in present(connection)]
    found = connection.execute(_OUTDATED, [REPORT_SCHEMA, names]).fetchone()
    return bool(found and found[0])


def columns(connection: Connection) -> dict[str, set[str]]:
    """Returns the columns of the materialised reports."""
    return {view: {name for name, _ in _columns(connection, view + SUFFIX)} for view in present(connection)}


def materialize(connection: Connection, view: str, locks: Retry = LOCKS) -> None:
    """Materialises a report, or refreshes its rows, in a transaction of its own; readers wait in the meantime.

    If the columns of the report changed, it is recreated, unless a user's own view depends on it: then it keeps its
    columns. Raises SettingsError if there is no such report, its name is taken or too long, or its rows are too long.
    """
    if view not in wide.reports(connection):
        raise SettingsError(f"There is no report {view!r} in {REPORT_SCHEMA}; docs/reports.md lists them.")
    if len(view.encode()) > LONGEST_NAME:
        raise SettingsError(
            f"{view} cannot be materialised: its name is longer than {LONGEST_NAME} bytes; copy its rows to a table of "
            "your own."
        )
    require_time_zone(connection)
    try:
        with_lock_retries(lambda: _materialize(connection, view), locks)
    except _REFUSED as error:
        reason = error.diag.message_primary
        raise SettingsError(
            f"{view} cannot be materialised, PostgreSQL cannot store its rows: {reason}; copy some of its "
            "columns to a table of your own."
        ) from error


def dematerialize(connection: Connection, view: str, locks: Retry = LOCKS) -> None:
    """Drops the materialised rows; the report itself stays. Raises SettingsError if it is not materialised."""
    if view not in present(connection):
        raise SettingsError(
            f"There is no {REPORT_SCHEMA}.{view}{SUFFIX} to drop; pyrus-etl reports refresh lists those that exist."
        )
    with_lock_retries(lambda: _dematerialize(connection, view), locks)


def populate(connection: Connection, locks: Retry = LOCKS) -> None:
    """Fills materialized views that have no rows yet."""
    for view in [view for view, is_populated in _present(connection).items() if not is_populated]:
        materialize(connection, view, locks)


def create(connection: Connection, views: Iterable[str]) -> None:
    """Materialises reports without their rows and indexes, inside the caller's transaction; see `index`, `populate`."""
    for view in views:
        statement = sql.SQL("CREATE MATERIALIZED VIEW {} AS TABLE {} WITH NO DATA")
        connection.execute(statement.format(_name(view), sql.Identifier(REPORT_SCHEMA, view)))


def index(connection: Connection, known: Mapping[str, Container[str]]) -> None:
    """Creates the indexes, except on columns that a report had before: those keep the indexes they had."""
    for view, old in known.items():
        columns = _columns(connection, view + SUFFIX)
        dates = [name for name, kind in columns if kind.startswith(("date", "timestamp"))]
        for name in [*(name for name, _ in columns if name in ASKED_BY), *dates[:1]]:
            if name not in old:
                connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(_name(view), sql.Identifier(name)))


def drop(connection: Connection, views: Iterable[str]) -> None:
    """Drops the materialized views of the reports, inside the caller's transaction."""
    for view in views:
        connection.execute(sql.SQL("DROP MATERIALIZED VIEW {}").format(_name(view)))


def _present(connection: Connection) -> dict[str, bool]:
    """Returns the materialised reports, and whether they have rows."""
    names = [view + SUFFIX for view in wide.reports(connection)]
    found = connection.execute(_PRESENT, [REPORT_SCHEMA, names]).fetchall()
    return {name.removesuffix(SUFFIX): is_populated for name, is_populated in found}


def _materialize(connection: Connection, view: str) -> None:
    with connection.transaction():
        connection.execute(LOCK_TIMEOUT)
        connection.execute("LOCK TABLE pyrus.report_views IN SHARE ROW EXCLUSIVE MODE")  # one at a time
        of_users, known = attached(connection), _columns(connection, view + SUFFIX)
        _create_or_recreate(connection, view, known)
        _describe(connection, view)
        restore(connection, of_users)
        index(connection, {view: dict(known)})
        _fill(connection, view)


def _create_or_recreate(connection: Connection, view: str, known: list[tuple[str, str]]) -> None:
    kind, _ = connection.execute(_KIND, [REPORT_SCHEMA, view + SUFFIX]).fetchone() or (None, None)
    if kind is None:
        create(connection, [view])
    elif kind != "m":
        raise SettingsError(f"{REPORT_SCHEMA}.{view}{SUFFIX} already exists and is not a materialized view; rename it.")
    elif _columns(connection, view) != known:
        _recreate(connection, view)


def _recreate(connection: Connection, view: str) -> None:
    try:
        with connection.transaction():
            drop(connection, [view])
            create(connection, [view])
    except psycopg.errors.DependentObjectsStillExist as error:
        dependents = (error.diag.message_detail or error.diag.message_primary or "").replace("\n", "; ")
        log.warning("%s%s keeps its old columns because your own objects depend on it: %s", view, SUFFIX, dependents)


def _fill(connection: Connection, view: str) -> None:
    try:
        connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(_name(view)))
    except psycopg.IntegrityError as error:
        reason = "; ".join(filter(None, (error.diag.message_primary, error.diag.message_detail)))
        raise DatabaseUnavailable(
            f"{view}{SUFFIX} cannot be refreshed: its rows violate a unique index of your own: {reason}. "
            "Drop that index and refresh again."
        ) from error
    connection.execute(sql.SQL("ANALYZE {}").format(_name(view)))


def _dematerialize(connection: Connection, view: str) -> None:
    with connection.transaction():
        connection.execute(LOCK_TIMEOUT)
        of_users = attached(connection)
        drop(connection, [view])
        warn_of_lost(of_users, attached(connection))


def _describe(connection: Connection, view: str) -> None:
    """Copies the comments of the report."""
    _, question = connection.execute(_KIND, [REPORT_SCHEMA, view]).fetchone() or (None, None)
    _comment(connection, sql.SQL("MATERIALIZED VIEW {}").format(_name(view)), f"{question} As of the last refresh.")
    present = dict(_columns(connection, view + SUFFIX))
    for name, _, comment in connection.execute(_COLUMNS, [REPORT_SCHEMA, view]).fetchall():
        if name in present:
            column = sql.Identifier(REPORT_SCHEMA, view + SUFFIX, name)
            _comment(connection, sql.SQL("COLUMN {}").format(column), comment or "")


def _columns(connection: Connection, relation: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, _ in connection.execute(_COLUMNS, [REPORT_SCHEMA, relation])]


def _name(view: str) -> sql.Identifier:
    return sql.Identifier(REPORT_SCHEMA, view + SUFFIX)


def _comment(connection: Connection, on: sql.Composed, text: str) -> None:
    connection.execute(sql.SQL("COMMENT ON {} IS {}").format(on, sql.Literal(text)))
