"""The views of the reports: created or replaced by every `db upgrade`, inside the caller's transaction."""

import hashlib

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports import materialized
from pyrus_etl.reports.views import views
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_DEFINITIONS = """
    SELECT md5(coalesce(string_agg(viewname || definition, '' ORDER BY viewname), '')) FROM pg_catalog.pg_views
    WHERE schemaname = %s AND viewname = ANY (%s)
"""


def create(connection: Connection) -> None:
    """Creates or replaces every view of this version; unknown views belong to users, and are left alone.

    Raises one of `InTheWay`, or WideViewInTheWay, if a view cannot be replaced in place.
    """
    if not _schema_exists(connection):
        connection.execute(f"CREATE SCHEMA {REPORT_SCHEMA}")
    for text in views().values():
        connection.execute(text.encode())
    wide.create(connection)
    comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
    connection.execute(comment.format(sql.Identifier(REPORT_SCHEMA), sql.Literal(_remark(connection))))


def _schema_exists(connection: Connection) -> bool:
    found = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [REPORT_SCHEMA]).fetchone()
    return found == (True,)


def are_of_this_version(connection: Connection) -> bool:
    """Whether all views exist as this version creates them; a changed view needs no migration."""
    found = connection.execute(
        "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [REPORT_SCHEMA]
    ).fetchone()
    return found == (_remark(connection),) and not set(wide.reports(connection)) - set(_present(connection))


def differences(connection: Connection) -> list[str]:
    """Returns, in words, which reports are missing, or that they are not those of this version."""
    if not _schema_exists(connection):
        return [f"missing: schema {REPORT_SCHEMA}"]
    present = _present(connection)
    if missing := [name for name in wide.reports(connection) if name not in present]:
        return [f"missing: report {REPORT_SCHEMA}.{name}" for name in missing]
    if are_of_this_version(connection):
        return []
    return [f"differs: the reports in {REPORT_SCHEMA} are not those of this version"]


def _remark(connection: Connection) -> str:
    """Returns the comment of the schema: hashes of the views as written, and as PostgreSQL stores them."""
    texts = hashlib.sha256("".join([*sorted(views().values()), wide.pattern()]).encode()).hexdigest()
    with connection.transaction():
        # these settings change how PostgreSQL writes a definition
        connection.execute("SET LOCAL search_path = ''; SET LOCAL timezone = 'UTC'")
        (stored,) = connection.execute(_DEFINITIONS, [REPORT_SCHEMA, list(views())]).fetchone() or ("",)
    hashes = f"{texts[:12]}, as stored by PostgreSQL {stored[:12]}"
    return f"Reports on the tables of pyrus, created by pyrus-etl. Hash of the views: {hashes}."


def _present(connection: Connection) -> list[str]:
    query = "SELECT viewname FROM pg_views WHERE schemaname = %s ORDER BY viewname"
    return [name for (name,) in connection.execute(query, [REPORT_SCHEMA])]


def drop(connection: Connection) -> None:
    """Drops all our views and materialised reports.

    Raises DatabaseUnavailable if a user's own view depends on them.
    """
    ours = wide.reports(connection)
    names = [name for name in _present(connection) if name in ours]
    if not names:
        return
    try:
        materialized.drop(connection, materialized.present(connection))
        connection.execute(
            sql.SQL("DROP VIEW {}").format(sql.SQL(", ").join(sql.Identifier(REPORT_SCHEMA, name) for name in names))
        )
    except psycopg.errors.DependentObjectsStillExist as error:
        raise DatabaseUnavailable(
            "Your own views depend on reports that must be replaced. Drop them, run pyrus-etl db upgrade, and recreate "
            f"them: {(error.diag.message_detail or error.diag.message_primary or '').replace(chr(10), '; ')}."
        ) from error
