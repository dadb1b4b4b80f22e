"""Checks that the tables are those of this version, and that no rows are hidden from our role."""

import re
from collections.abc import Mapping

import psycopg

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import REVISION, SCHEMA, metadata

_TABLES = """
    SELECT relname::text, row_security_active(oid) AND NOT (
               relname = 'outbox'
               AND (has_table_privilege(oid, 'UPDATE') OR NOT has_any_column_privilege(oid, 'INSERT')))
    FROM pg_class
    WHERE relnamespace = to_regnamespace(%s) AND relkind = ANY ('{r,p,v,m,f}') ORDER BY relname
"""
"""The outbox hides no row from a role that pushes, or from one that only reads: see reports/access/write_back.py."""
_VERSION = "alembic_version"
_NUMBER = re.compile(r"\d{4}")


def revision(connection: Connection) -> str | None:
    """The revision of the schema; None if it has none. Raises DatabaseUnavailable if it cannot be read."""
    return _revision(connection, _tables(connection))


def _revision(connection: Connection, tables: Mapping[str, bool]) -> str | None:
    if _VERSION not in tables:
        return None
    _refuse_hidden(connection, [_VERSION] if tables[_VERSION] else [])
    try:
        found = connection.execute(f"SELECT version_num FROM {SCHEMA}.{_VERSION}").fetchone()  # noqa: S608 -- constants
    except psycopg.errors.UndefinedColumn as error:
        raise DatabaseUnavailable(
            f"{SCHEMA}.{_VERSION} is not the table that pyrus-etl created; name another database in DATABASE_URL, or "
            "rename that table or its schema."
        ) from error
    return str(found[0]) if found else None


def require_schema(connection: Connection) -> None:
    """Raises DatabaseUnavailable if the schema is not at the revision of this version, lacks tables, or hides rows."""
    tables = _tables(connection)
    found = _revision(connection, tables)
    require_known(found)
    if found != REVISION:
        raise DatabaseUnavailable(f"The database {_state(connection, found)}; run pyrus-etl db upgrade.")
    if missing := sorted({table.name for table in metadata.tables.values()} - tables.keys()):
        names = ", ".join(f"{SCHEMA}.{table}" for table in missing)
        raise DatabaseUnavailable(f"The database lacks {names}; pyrus-etl db upgrade recreates what is missing.")
    _refuse_hidden(connection, [table for table, hides in tables.items() if hides])


def require_all_rows(connection: Connection) -> None:
    """Raises DatabaseUnavailable if row level security may hide rows of our tables from our role."""
    _refuse_hidden(connection, [table for table, hides in _tables(connection).items() if hides])


def require_known(found: str | None) -> None:
    """Raises DatabaseUnavailable if this version does not know the revision: then a newer version made it."""
    if is_known(found):
        return
    if found is not None and _NUMBER.fullmatch(found):
        raise DatabaseUnavailable(
            f"The database is newer than this program: it is at revision {found}, which this version ({REVISION}) does "
            "not know; install the newer pyrus-etl that made it (pip install --upgrade pyrus-etl), or name another "
            "database in DATABASE_URL."
        )
    raise DatabaseUnavailable(
        f"The database is at revision {found}, which is none of pyrus-etl's; name another database in DATABASE_URL."
    )


def is_known(found: str | None) -> bool:
    return found is None or (_NUMBER.fullmatch(found) is not None and found <= REVISION)


def declared_tables_present(connection: Connection) -> list[str]:
    """The tables in the schema that have names of ours."""
    return sorted({table.name for table in metadata.tables.values()} & _tables(connection).keys())


def _state(connection: Connection, found: str | None) -> str:
    if found is not None:
        return f"is at revision {found}, this version expects {REVISION}"
    if declared_tables_present(connection):
        return "has tables, but no revision, like a copy of the schema without its rows"
    return "has no tables yet"


def _tables(connection: Connection) -> dict[str, bool]:
    """The tables and views in the schema, and whether row level security applies to our role."""
    return dict(connection.execute(_TABLES, [SCHEMA]).fetchall())


def _refuse_hidden(connection: Connection, hidden: list[str]) -> None:
    if hidden:
        tables, first = ", ".join(f"{SCHEMA}.{table}" for table in hidden), f"{SCHEMA}.{hidden[0]}"
        role = connection.info.user
        raise DatabaseUnavailable(
            f"Row level security may hide rows of {tables} from the role {role}; disable it (ALTER TABLE {first} "
            f"DISABLE ROW LEVEL SECURITY) or exempt the role (ALTER ROLE {role} BYPASSRLS)."
        )
