"""A reader's rights: the reports and nothing else."""

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.load.connection import Connection
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}",
)
_GRANTED = """
    SELECT has_schema_privilege(%(role)s, oid, 'USAGE') AND NOT EXISTS (
        SELECT FROM pg_class
        WHERE relnamespace = schema.oid AND relkind = 'v' AND NOT has_table_privilege(%(role)s, pg_class.oid, 'SELECT')
    )
    FROM pg_namespace AS schema WHERE nspname = %(schema)s
"""


def grant_reports(connection: Connection, role: str) -> None:
    """Lets a role read all reports, those of later versions included; safe to repeat.

    The views read the tables with the rights of their owner, so the role needs none on the tables.
    Raises SettingsError where there is no such role, DatabaseUnavailable where we may not grant.
    """
    names = {"schema": sql.Identifier(REPORT_SCHEMA), "role": sql.Identifier(role)}
    try:
        with connection.transaction():
            for statement in _GRANTS:
                connection.execute(sql.SQL(statement).format(**names))
            granted = connection.execute(_GRANTED, {"role": role, "schema": REPORT_SCHEMA}).fetchone()
    except (psycopg.errors.UndefinedObject, psycopg.errors.ReservedName) as error:
        raise SettingsError(
            f"There is no role {role!r} in this database; make it with: CREATE ROLE {role} LOGIN PASSWORD '…'."
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise _not_ours(connection) from error
    if granted != (True,):  # to who may grant a part, PostgreSQL says no more than a warning
        raise _not_ours(connection)


def _not_ours(connection: Connection) -> DatabaseUnavailable:
    user = connection.info.user
    return DatabaseUnavailable(
        f"The role {user} of DATABASE_URL may not grant the reports; do it as the role that runs pyrus-etl db upgrade."
    )
