"""Takes back what a reader may read, and finds out what else the reader could.

A privilege is taken back by the owner of the thing, so as with `grants` we become each owner in turn.
"""

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection, setting
from pyrus_etl.reports.access import limited
from pyrus_etl.schema.metadata import PARTITIONS, REPORT_SCHEMA, SCHEMA

_GIVEN = """
    WITH reader AS (SELECT oid, rolname FROM pg_roles WHERE rolname = %(role)s),
    ours AS (SELECT * FROM pg_namespace WHERE nspname = ANY (%(schemas)s)),
    given (owner, statement) AS (
        SELECT relowner, format('REVOKE ALL ON %%I.%%I FROM %%I', nspname, relname, rolname)
        FROM pg_class JOIN ours ON ours.oid = relnamespace CROSS JOIN reader
        WHERE relowner <> reader.oid AND (
            EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = reader.oid)
            OR EXISTS (SELECT FROM pg_attribute, aclexplode(attacl)
                       WHERE attrelid = pg_class.oid AND grantee = reader.oid)
        )
      UNION ALL
        SELECT nspowner, format('REVOKE ALL ON SCHEMA %%I FROM %%I', nspname, rolname) FROM ours CROSS JOIN reader
        WHERE nspowner <> reader.oid AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = reader.oid)
      UNION ALL
        SELECT defaclrole, format('ALTER DEFAULT PRIVILEGES FOR ROLE %%I IN SCHEMA %%I REVOKE ALL ON TABLES FROM %%I',
                                  pg_get_userbyid(defaclrole), nspname, rolname)
        FROM pg_default_acl JOIN ours ON ours.oid = defaclnamespace CROSS JOIN reader
        WHERE defaclobjtype = 'r' AND EXISTS (SELECT FROM aclexplode(defaclacl) WHERE grantee = reader.oid)
    )
    SELECT CASE WHEN pg_has_role(owner, 'USAGE') THEN NULL ELSE pg_get_userbyid(owner) END, statement
    FROM given ORDER BY statement
"""
_READS = """
    SELECT rolname, format('%%I.%%I', nspname, relname) FROM pg_roles CROSS JOIN pg_class
    JOIN pg_namespace AS schema ON schema.oid = relnamespace
    WHERE nspname = ANY (%(schemas)s) AND relkind IN ('r', 'v', 'm', 'p', 'f')
      AND pg_has_role(%(role)s, pg_roles.oid, 'MEMBER')
      AND has_any_column_privilege(pg_roles.oid, pg_class.oid, 'SELECT')
    ORDER BY rolname = %(role)s, rolname, relname LIMIT 1
"""
_WILL_READ = """
    SELECT CASE grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(grantee) END, pg_get_userbyid(defaclrole)
    FROM pg_default_acl, aclexplode(defaclacl)
    WHERE defaclnamespace IN (0, %(reports)s::regnamespace, %(tables)s::regnamespace) AND defaclobjtype = 'r'
      AND privilege_type = 'SELECT' AND grantee <> defaclrole
      AND defaclrole IN (
          SELECT nspowner FROM pg_namespace WHERE nspname = ANY (%(schemas)s)
          UNION SELECT relowner FROM pg_class JOIN pg_namespace AS schema ON schema.oid = relnamespace
                WHERE nspname = ANY (%(schemas)s)
      )
      AND CASE grantee WHEN 0 THEN true ELSE pg_has_role(%(role)s, grantee, 'MEMBER') END LIMIT 1
"""
_MIGHTY = """
    SELECT rolname FROM pg_roles WHERE pg_has_role(%(role)s, oid, 'MEMBER') AND (
        rolsuper OR rolcreaterole OR rolreplication OR rolname IN (
            'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'
        )
    ) ORDER BY rolname <> %(role)s, rolname LIMIT 1
"""
"""Roles that can give themselves any right, or read the server's files."""
_WAYS = ((_MIGHTY, "can get any right"), (_WILL_READ, "may read what {} makes"), (_READS, "can read {}"))


def take_back(connection: Connection, role: str) -> None:
    """Takes back all privileges of a role on the reports and tables, inside the caller's transaction.

    Also those on what is created later. What others than the owners granted stays. Raises DatabaseUnavailable if
    somebody's own objects depend on the role's schemas.
    """
    limited.drop(connection, role)
    given = connection.execute(_GIVEN, {"role": role, "schemas": [SCHEMA, REPORT_SCHEMA, PARTITIONS]}).fetchall()
    for owner, statement in given:
        with setting(connection, "role", owner):
            connection.execute(statement.encode())


def more(connection: Connection, role: str) -> str | None:
    """Says how a role can read our reports or tables beyond its own schemas; None if it cannot."""
    others = [limits for limits in limited.present(connection) if limits.role != role]
    behind = [schema for limits in limited.present(connection) for schema in limits.behind.values()]
    schemas = [
        SCHEMA,
        REPORT_SCHEMA,
        PARTITIONS,
        *behind,
        *(schema for limits in others for schema in limits.own.values()),
    ]
    asked = {"role": role, "schemas": schemas, "reports": REPORT_SCHEMA, "tables": SCHEMA}
    for query, does in _WAYS:
        if found := connection.execute(query, asked).fetchone():
            who, *what = found
            subject = role if who == role else f"{role} is a member of {who}, which"
            return f"{subject} {does.format(*what)}"
    return None


def require_nothing_else(connection: Connection, role: str) -> None:
    """Raises DatabaseUnavailable if a role, or one that it is a member of, can read more than its own schemas."""
    if found := more(connection, role):
        raise DatabaseUnavailable(
            f"Nothing is granted, because the role could read all rows: {found}; take that away, or name another role."
        )
