"""Privileges for a reader: the reports and nothing else.

Only the owner of a report can grant privileges on it, and on what the owner creates later (default privileges). So
each owner grants: directly if we have the owner's privileges, else after SET ROLE.
https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection, setting
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports import wide
from pyrus_etl.schema.metadata import MATERIALIZED, REPORT_SCHEMA, SCHEMA

_OWNERS = """
    WITH relation AS (
        SELECT nspname, relname, relowner FROM pg_class JOIN pg_namespace AS schema ON schema.oid = relnamespace
        WHERE nspname IN (%(tables)s, %(schema)s) AND relkind IN ('r', 'v', 'm', 'p', 'f')
    ),
    report_owner AS (SELECT relowner FROM relation WHERE nspname = %(schema)s AND relname = ANY (%(reports)s)),
    owner AS (
        SELECT nspowner AS oid FROM pg_namespace WHERE nspname IN (%(tables)s, %(schema)s)
        UNION SELECT relowner FROM relation WHERE nspname = %(tables)s UNION TABLE report_owner
        UNION SELECT oid FROM pg_roles WHERE rolname = current_user
    )
    SELECT rolname, pg_has_role(oid, 'USAGE'), pg_has_role(oid, %(become)s),
           has_schema_privilege(oid, %(schema)s, 'CREATE'),
           oid = (SELECT nspowner FROM pg_namespace WHERE nspname = %(schema)s),
           array(SELECT relname::text FROM relation WHERE nspname = %(schema)s AND relowner = oid
                 AND relowner IN (TABLE report_owner) ORDER BY relname)
    FROM owner JOIN pg_roles USING (oid) ORDER BY rolname
"""
_READS_TABLES = """
    SELECT rolname FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner
    WHERE nspname = %s AND NOT pg_has_role(nspowner, 'USAGE') AND pg_has_role(nspowner, %s)
"""
_UNGRANTED = """
    WITH schema AS (SELECT * FROM pg_namespace WHERE nspname = %(schema)s),
    reader AS (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
    SELECT rolname FROM schema JOIN pg_roles ON pg_roles.oid = nspowner
    WHERE NOT has_schema_privilege(%(role)s, schema.oid, 'USAGE')
  UNION
    SELECT rolname FROM pg_class AS report JOIN schema ON schema.oid = relnamespace
    JOIN pg_roles ON pg_roles.oid = relowner WHERE relname = ANY (%(reports)s) AND (
        NOT has_table_privilege(%(role)s, report.oid, 'SELECT')
        OR relowner <> (TABLE reader) AND NOT EXISTS (
            SELECT FROM pg_default_acl, aclexplode(defaclacl) AS given
            WHERE defaclrole = relowner AND defaclnamespace IN (0, schema.oid) AND defaclobjtype = 'r'
              AND grantee = (TABLE reader) AND privilege_type = 'SELECT'
        )
    )
    ORDER BY rolname
"""
"""The owners whose reports the reader cannot read, or could not read if they were created later."""


class _Owner(NamedTuple):
    """A role that owns tables or reports. `is_ours`: we have its privileges; `can_become`: we can SET ROLE to it."""

    name: str
    is_ours: bool
    can_become: bool
    may_create: bool
    has_schema: bool
    reports: list[str]


def grant_reports(connection: Connection, role: str) -> None:
    """Lets a role read all reports, including those of later versions; safe to repeat.

    The views read the tables with their owner's privileges, so the role needs none on the tables. Views that others
    created in the schema are left to their owners.
    Raises SettingsError if there is no such role, DatabaseUnavailable if we may not grant.
    """
    require_role(connection, role)
    try:
        with connection.transaction():
            reports = _reports(connection)
            for owner in _owners(connection, reports):
                if owner.is_ours or owner.can_become:
                    _grant(connection, owner, role)
            _require_granted(connection, role, reports)
    except psycopg.errors.InsufficientPrivilege as error:
        raise not_ours(connection) from error


def require_role(connection: Connection, role: str) -> None:
    """Raises SettingsError unless a role has this name."""
    if not role or "\0" in role:
        raise SettingsError("ROLE: name the role that should get the privileges.")
    if role.lower() == "public":
        raise SettingsError("ROLE: public is every user, not a role; name the role that should get the privileges.")
    known = "SELECT FROM pg_roles WHERE rolname::text = %s"  # as text: a name would be cut to 63 bytes
    can_be_asked = role.encode(errors="replace").decode() == role
    if not can_be_asked or connection.execute(known, [role]).fetchone() is None:
        raise SettingsError(
            f"There is no role {role!r} in this database; create it: CREATE ROLE {_shown(role)} LOGIN PASSWORD '…'."
        )


def _reports(connection: Connection) -> list[str]:
    """Returns the names of our reports and of their materialized views, from the tables."""
    (owner,) = connection.execute(_READS_TABLES, [SCHEMA, become(connection)]).fetchone() or (None,)
    with setting(connection, "role", owner):
        require_schema(connection)
        names = wide.reports(connection)
    return [*names, *(name + MATERIALIZED for name in names)]


def _owners(connection: Connection, reports: Sequence[str]) -> list[_Owner]:
    asked = {"tables": SCHEMA, "schema": REPORT_SCHEMA, "reports": reports, "become": become(connection)}
    return [_Owner(*row) for row in connection.execute(_OWNERS, asked)]


def become(connection: Connection) -> str:
    """Returns the privilege that allows SET ROLE; before PostgreSQL 16 every member has it."""
    return "SET" if connection.info.server_version >= 160000 else "MEMBER"


def _grant(connection: Connection, owner: _Owner, role: str) -> None:
    with setting(connection, "role", None if owner.is_ours else owner.name):
        for statement in _grants(owner, sql.Identifier(role)):
            connection.execute(statement)


def _grants(owner: _Owner, reader: sql.Identifier) -> Iterator[sql.Composed]:
    schema = sql.Identifier(REPORT_SCHEMA)
    if owner.has_schema:
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader)
    if owner.reports:
        reports = sql.SQL(", ").join(sql.Identifier(REPORT_SCHEMA, report) for report in owner.reports)
        yield sql.SQL("GRANT SELECT ON {} TO {}").format(reports, reader)
    if owner.may_create:
        later = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT SELECT ON TABLES TO {}")
        yield later.format(sql.Identifier(owner.name), schema, reader)


def _require_granted(connection: Connection, role: str, reports: Sequence[str]) -> None:
    """Checks what was granted, because PostgreSQL only warns, or not even that, about a partial GRANT."""
    asked = {"role": role, "schema": REPORT_SCHEMA, "reports": reports}
    owners = [name for (name,) in connection.execute(_UNGRANTED, asked)]
    if owners:
        raise not_ours(connection, owners[0])


def not_ours(connection: Connection, owner: str | None = None, what: str = "the reports") -> DatabaseUnavailable:
    """The error that we may not grant, with the role that may."""
    user = connection.info.user
    whose = _shown(owner) if owner else "the role that runs pyrus-etl db upgrade"
    member = f", or make {_shown(user)} a member of it: GRANT {whose} TO {_shown(user)}" if owner else ""
    return DatabaseUnavailable(
        f"The role {user} of DATABASE_URL may not grant {what}; grant them as {whose} or as a superuser{member}."
    )


def _shown(role: str) -> str:
    """Quotes a name for SQL if needed."""
    return role if re.fullmatch(r"[a-z_][a-z0-9_]*", role) else '"' + role.replace('"', '""') + '"'
