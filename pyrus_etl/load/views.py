"""The views of the reports: brought up by every `db upgrade`, inside the caller's transaction."""

import hashlib

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.load import wide
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
    """Makes every view what this version says; views that it does not know are somebody's own, and left alone.

    Raises one of `InTheWay` where a view cannot be changed in its place.
    """
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {REPORT_SCHEMA}")
    for text in views().values():
        connection.execute(text.encode())
    wide.create(connection)
    comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
    connection.execute(comment.format(sql.Identifier(REPORT_SCHEMA), sql.Literal(_remark())))


def are_of_this_version(connection: Connection) -> bool:
    """Whether the views were made by a version with the same views; their texts need no migration to change."""
    found = connection.execute(
        "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [REPORT_SCHEMA]
    ).fetchone()
    return found == (_remark(),)


def _remark() -> str:
    digest = hashlib.sha256("".join(sorted(views().values())).encode()).hexdigest()
    return f"Reports on the tables of pyrus; made by pyrus-etl from texts with the hash {digest[:12]}."


def drop(connection: Connection) -> None:
    """Drops all views that are ours; raises DatabaseUnavailable where views of somebody else stand on them."""
    ours = {*views(), *wide.remembered(connection)}
    query = "SELECT viewname FROM pg_views WHERE schemaname = %s ORDER BY viewname"
    names = [name for (name,) in connection.execute(query, [REPORT_SCHEMA]) if name in ours]
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
