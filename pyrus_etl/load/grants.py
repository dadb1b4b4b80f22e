"""A reader's rights: the reports and nothing else."""

import psycopg
from psycopg import sql

from pyrus_etl.errors import SettingsError
from pyrus_etl.load.connection import Connection
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}",
)


def grant_reports(connection: Connection, role: str) -> None:
    """Lets a role read all reports, those of later versions included; safe to repeat.

    The views read the tables with the rights of their owner, so the role needs none on the tables.
    Raises SettingsError where there is no such role.
    """
    names = {"schema": sql.Identifier(REPORT_SCHEMA), "role": sql.Identifier(role)}
    try:
        with connection.transaction():
            for statement in _GRANTS:
                connection.execute(sql.SQL(statement).format(**names))
    except psycopg.errors.UndefinedObject as error:
        raise SettingsError(
            f"There is no role {role!r} in this database; make it with: CREATE ROLE {role} LOGIN PASSWORD '…'."
        ) from error
