"""Privileges for a writer: rows of its own in the outbox, and nothing else.

Row level security decides which rows: https://www.postgresql.org/docs/current/ddl-rowsecurity.html. It does not bind
the owner of the table. A role that may update the whole table pushes: it sees and changes all rows. A role that may
read and not insert sees them all. Any other role sees its own; `created_by` is who it is, because a row with another
name is refused; and it can delete a row only while that waits.
"""

from typing import LiteralString

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection, setting
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.access.grants import become, not_ours, require_role
from pyrus_etl.schema.metadata import SCHEMA

INSERTED = ("action", "task_id", "body", "account", "not_before")
"""The columns that a writer may fill; the database fills in the others."""
POLICIES: dict[str, LiteralString] = {
    "push": "USING (has_table_privilege('pyrus.outbox'::regclass, 'UPDATE'))",
    "read_all": "FOR SELECT USING (NOT has_any_column_privilege('pyrus.outbox'::regclass, 'INSERT'))",
    "read_own": "FOR SELECT USING (created_by = CURRENT_USER)",
    "insert_own": "FOR INSERT WITH CHECK (created_by = CURRENT_USER AND status = 'waiting')",
    "cancel_own": "FOR DELETE USING (created_by = CURRENT_USER AND status = 'waiting')",
}
_MISSING = """
    SELECT relrowsecurity, array(
        SELECT name FROM unnest(%s::text[]) AS name
        WHERE NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = name)
    )
    FROM pg_class WHERE oid = to_regclass('pyrus.outbox')
"""
_OWNERS = """
    SELECT owner.rolname, pg_has_role(owner.oid, 'USAGE'), pg_has_role(owner.oid, %(become)s), what
    FROM (
        SELECT nspowner AS oid, 'schema' AS what FROM pg_namespace WHERE nspname = %(schema)s
        UNION ALL SELECT relowner, 'table' FROM pg_class WHERE oid = to_regclass('pyrus.outbox')
    ) AS owned JOIN pg_roles AS owner USING (oid)
"""
_GRANTED = """
    SELECT has_schema_privilege(%(role)s, %(schema)s, 'USAGE')
           AND has_table_privilege(%(role)s, 'pyrus.outbox', 'SELECT')
           AND has_table_privilege(%(role)s, 'pyrus.outbox', 'DELETE')
           AND (SELECT bool_and(has_column_privilege(%(role)s, 'pyrus.outbox', name, 'INSERT'))
                FROM unnest(%(columns)s::text[]) AS name)
"""


def is_protected(connection: Connection) -> bool:
    """Whether each role sees the rows that it may see, and no others."""
    return not list(_missing(connection))


def differences(connection: Connection) -> list[str]:
    """In words, if something is missing."""
    return [] if is_protected(connection) else ["missing row level security of pyrus.outbox"]


def protect(connection: Connection) -> None:
    """Creates what is missing of the row level security; safe to repeat."""
    for statement in list(_missing(connection)):
        connection.execute(statement)


def _missing(connection: Connection) -> list[LiteralString]:
    """The statements that create what is missing."""
    found = connection.execute(_MISSING, [list(POLICIES)]).fetchone()
    if found is None:
        return []
    is_enabled, names = found
    enable: list[LiteralString] = [] if is_enabled else ["ALTER TABLE pyrus.outbox ENABLE ROW LEVEL SECURITY"]
    made: list[LiteralString] = [
        "CREATE POLICY " + name + " ON pyrus.outbox " + rule for name, rule in POLICIES.items() if name in names
    ]
    return enable + made


def grant_write_back(connection: Connection, role: str) -> None:
    """Lets a role insert rows into the outbox, see its own, and delete those that wait; safe to repeat.

    Raises SettingsError if there is no such role, DatabaseUnavailable if we may not grant.
    """
    require_role(connection, role)
    try:
        with connection.transaction():
            require_schema(connection)
            if not is_protected(connection):
                raise DatabaseUnavailable("The rows of pyrus.outbox are not protected; run pyrus-etl db upgrade.")
            _grant(connection, role)
            asked = {"role": role, "schema": SCHEMA, "columns": list(INSERTED)}
            if connection.execute(_GRANTED, asked).fetchone() != (True,):
                raise not_ours(connection, what="the outbox")
    except psycopg.errors.InsufficientPrivilege as error:
        raise not_ours(connection, what="the outbox") from error


def _grant(connection: Connection, role: str) -> None:
    writer, columns = sql.Identifier(role), sql.SQL(", ").join(map(sql.Identifier, INSERTED))
    statements = {
        "schema": [sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(SCHEMA), writer)],
        "table": [
            sql.SQL("GRANT INSERT ({}) ON pyrus.outbox TO {}").format(columns, writer),
            sql.SQL("GRANT SELECT, DELETE ON pyrus.outbox TO {}").format(writer),
        ],
    }
    owners = connection.execute(_OWNERS, {"schema": SCHEMA, "become": become(connection)}).fetchall()
    for owner, is_ours, can_become, what in owners:
        with setting(connection, "role", owner if can_become and not is_ours else None):
            for statement in statements[what]:
                connection.execute(statement)
