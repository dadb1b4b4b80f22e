"""Privileges for a reader: the reports, the tables if they are asked for, and nothing else.

Only the owner of a report can grant privileges on it, and on what the owner creates later (default privileges). So
each owner grants: directly if we have the owner's privileges, else after SET ROLE.
https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection, setting
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.access import limited
from pyrus_etl.reports.access.limited import Limits
from pyrus_etl.reports.access.limited_tables import Given
from pyrus_etl.reports.access.take_back import more, require_nothing_else, take_back
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.schema.metadata import MATERIALIZED, REPORT_SCHEMA, SCHEMA, metadata

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


_FORMS = "SELECT form_id FROM pyrus.forms UNION SELECT DISTINCT form_id FROM pyrus.tasks"
_PROJECTS = "SELECT project_id FROM pyrus.projects"


class _Owner(NamedTuple):
    """A role that owns tables or reports. `is_ours`: we have its privileges; `can_become`: we can SET ROLE to it."""

    name: str
    is_ours: bool
    can_become: bool
    may_create: bool
    has_schema: bool
    names: list[str]


def grant_reports(connection: Connection, role: str, *, tables: bool = False) -> None:
    """Lets a role read all reports and, with `tables`, all tables, including those of later versions; safe to repeat.

    The views read the tables with their owner's privileges, so the role needs none on the tables. Views that others
    created in the schema are left to their owners. A role that could see some forms only can see all then.
    Raises SettingsError if there is no such role, DatabaseUnavailable if we may not grant.
    """
    require_role(connection, role)
    with granting(connection):
        limited.drop(connection, role)
        _grant_all(connection, role, REPORT_SCHEMA, _reports(connection))
        if tables:
            _grant_all(connection, role, SCHEMA, [table.name for table in metadata.sorted_tables])


def limit_reader(connection: Connection, role: str, given: Given, *, tables: bool = False) -> Limits:
    """Lets a role read the rows of some forms and projects only, in schemas of its own; takes all else back.

    Raises SettingsError if there is no such role, form or project, DatabaseUnavailable if we may not grant, or if the
    role could still read more.
    """
    require_role(connection, role)
    limits = Limits(role, given, tables)
    with granting(connection):
        _reports(connection)  # the schema is at the revision of this version
        _require_known(connection, given)
        take_back(connection, role)
        require_nothing_else(connection, role)
        limited.create(connection, limits)
    return limits


def revoke(connection: Connection, role: str) -> str | None:
    """Takes back all that a role may read of the reports and tables; says how it can read them all the same, if so.

    Raises SettingsError if there is no such role, DatabaseUnavailable if we may not.
    """
    require_role(connection, role)
    with granting(connection):
        take_back(connection, role)
    return more(connection, role)


def _require_known(connection: Connection, given: Given) -> None:
    for what, ids, known in (("form", given.forms, _FORMS), ("project", given.projects, _PROJECTS)):
        with _reading_tables(connection):
            found = {each for (each,) in connection.execute(known)}
        if unknown := [each for each in ids if each not in found]:
            raise SettingsError(
                f"--{what}s: no {what} with the id {unknown[0]} is stored; pyrus.{what}s has those that are."
            )


@contextmanager
def granting(connection: Connection) -> Iterator[None]:
    """A transaction that changes privileges; if we may not, the error says who may."""
    try:
        with connection.transaction():
            yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise not_ours(connection) from error


def _grant_all(connection: Connection, role: str, schema: str, names: Sequence[str]) -> None:
    for owner in _owners(connection, schema, names):
        if owner.is_ours or owner.can_become:
            _grant(connection, owner, role, schema)
    _require_granted(connection, role, schema, names)


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
    with _reading_tables(connection):
        require_schema(connection)
        names = wide.reports(connection)
    return [*names, *(name + MATERIALIZED for name in names)]


@contextmanager
def _reading_tables(connection: Connection) -> Iterator[None]:
    """Becomes the owner of the tables for the block, if we cannot read them ourselves."""
    (owner,) = connection.execute(_READS_TABLES, [SCHEMA, become(connection)]).fetchone() or (None,)
    with setting(connection, "role", owner):
        yield


def _owners(connection: Connection, schema: str, names: Sequence[str]) -> list[_Owner]:
    asked = {"tables": SCHEMA, "schema": schema, "reports": names, "become": become(connection)}
    return [_Owner(*row) for row in connection.execute(_OWNERS, asked)]


def become(connection: Connection) -> str:
    """Returns the privilege that allows SET ROLE; before PostgreSQL 16 every member has it."""
    return "SET" if connection.info.server_version >= 160000 else "MEMBER"


def _grant(connection: Connection, owner: _Owner, role: str, schema: str) -> None:
    with setting(connection, "role", None if owner.is_ours else owner.name):
        for statement in _grants(owner, schema, sql.Identifier(role)):
            connection.execute(statement)


def _grants(owner: _Owner, schema: str, reader: sql.Identifier) -> Iterator[sql.Composed]:
    if owner.has_schema:
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), reader)
    if owner.names:
        names = sql.SQL(", ").join(sql.Identifier(schema, name) for name in owner.names)
        yield sql.SQL("GRANT SELECT ON {} TO {}").format(names, reader)
    if owner.may_create:
        later = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT SELECT ON TABLES TO {}")
        yield later.format(sql.Identifier(owner.name), sql.Identifier(schema), reader)


def _require_granted(connection: Connection, role: str, schema: str, names: Sequence[str]) -> None:
    """Checks what was granted, because PostgreSQL only warns, or not even that, about a partial GRANT."""
    asked = {"role": role, "schema": schema, "reports": names}
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
