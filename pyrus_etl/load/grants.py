"""A reader's rights: the reports and nothing else."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.load import wide
from pyrus_etl.load.connection import Connection
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_OWNED = """
    SELECT relname FROM pg_class
    WHERE relnamespace = to_regnamespace(%s) AND relkind = ANY ('{v,m,r,p,f}') AND pg_has_role(relowner, 'USAGE')
    ORDER BY relname
"""
_GRANTED = """
    SELECT has_schema_privilege(%(role)s, oid, 'USAGE') AND NOT EXISTS (
        SELECT FROM pg_class WHERE relnamespace = schema.oid AND relname = ANY (%(reports)s)
                               AND NOT has_table_privilege(%(role)s, pg_class.oid, 'SELECT')
    )
    FROM pg_namespace AS schema WHERE nspname = %(schema)s
"""


def grant_reports(connection: Connection, role: str) -> None:
    """Lets a role read all reports, those of later versions included; safe to repeat.

    The views read the tables with the rights of their owner, so the role needs none on the tables. Views that somebody
    else made in the schema are theirs to grant.
    Raises SettingsError where there is no such role, DatabaseUnavailable where we may not grant.
    """
    if not role or "\0" in role:
        raise SettingsError("ROLE: name the role that is to read.")
    if role.lower() == "public":
        raise SettingsError("ROLE: public is everybody who may log in, and no role; name the role that is to read.")
    try:
        with connection.transaction():
            for statement in _grants(connection, role):
                connection.execute(statement)
            asked = {"role": role, "schema": REPORT_SCHEMA, "reports": wide.reports(connection)}
            granted = connection.execute(_GRANTED, asked).fetchone()
    except (psycopg.errors.UndefinedObject, psycopg.errors.ReservedName) as error:
        raise SettingsError(
            f"There is no role {role!r} in this database; make it with: CREATE ROLE {role} LOGIN PASSWORD '…'."
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise _not_ours(connection) from error
    if granted != (True,):  # to who may grant a part, PostgreSQL says no more than a warning
        raise _not_ours(connection)


def _grants(connection: Connection, role: str) -> Iterable[sql.Composed]:
    schema, reader = sql.Identifier(REPORT_SCHEMA), sql.Identifier(role)
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader)
    for (view,) in connection.execute(_OWNED, [REPORT_SCHEMA]).fetchall():
        yield sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(REPORT_SCHEMA, view), reader)
    yield sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {}").format(schema, reader)


def _not_ours(connection: Connection) -> DatabaseUnavailable:
    user = connection.info.user
    return DatabaseUnavailable(
        f"The role {user} of DATABASE_URL may not grant the reports; do it as the role that runs pyrus-etl db upgrade."
    )
