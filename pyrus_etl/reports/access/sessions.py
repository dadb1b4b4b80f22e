"""Defaults of the sessions in a database: other programs then cut days as the reports do, and no query is compiled.

A BI tool's session has the server's time zone, so its own `date_trunc` cuts days elsewhere than the reports. And
just-in-time compilation takes longer than it saves in queries over the views.
https://www.postgresql.org/docs/current/sql-alterdatabase.html
"""

from typing import NamedTuple

from psycopg import sql

from pyrus_etl.postgres.connection import Connection

_WANTED = """
    SELECT name, value, split_part(option, '=', 2) FROM (
        SELECT 'TimeZone' AS name, time_zone AS value FROM pyrus_report.clock UNION ALL SELECT 'jit', 'off'
    ) AS wanted
    LEFT JOIN (
        SELECT unnest(setconfig) AS option FROM pg_db_role_setting
        WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS given ON lower(split_part(option, '=', 1)) = lower(name)
    ORDER BY lower(name) COLLATE "C"
"""
_OWNS = "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"


class Default(NamedTuple):
    """A default of the database's sessions that is not as wanted; `given` is null if the database has none."""

    statement: str
    given: str | None


def missing_defaults(connection: Connection) -> list[Default]:
    """Returns the statements that would set what is not as wanted."""
    database = sql.Identifier(connection.info.dbname)
    return [
        Default(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.SQL(name), value).as_string(connection), given
        )
        for name, value, given in connection.execute(_WANTED)
        if given != value
    ]


def set_defaults(connection: Connection, missing: list[Default]) -> list[Default]:
    """Sets what the database lacks, if it is ours, and returns what is left. Somebody's own choice is left to them."""
    if connection.execute(_OWNS).fetchone() != (True,):
        return missing
    for default in missing:
        if default.given is None:
            connection.execute(default.statement.encode())
    return [default for default in missing if default.given is not None]


def advice(left: list[Default]) -> str:
    """A sentence with the statements for the database's owner."""
    statements = "; ".join(default.statement for default in left)
    return f"So that other programs count days as the reports do, and answer sooner, its owner can run: {statements}"
