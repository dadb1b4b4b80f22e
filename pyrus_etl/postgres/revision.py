"""Whether the tables are those that this version works with: their revision, and rows that the role may not see."""

import re

import psycopg

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import REVISION, SCHEMA, metadata

_TABLES = """
    SELECT relname::text, row_security_active(oid) FROM pg_class
    WHERE relnamespace = to_regnamespace(%s) AND relkind = ANY ('{r,p,v,m,f}') ORDER BY relname
"""
_VERSION = "alembic_version"


def revision(connection: Connection) -> str | None:
    """The revision that the schema is at; None if there is none. Raises DatabaseUnavailable if it cannot be told."""
    tables = _tables(connection)
    if _VERSION not in tables:
        return None
    _require_all_rows(connection, [_VERSION] if tables[_VERSION] else [])
    try:
        found = connection.execute(f"SELECT version_num FROM {SCHEMA}.{_VERSION}").fetchone()  # noqa: S608 -- constants
    except psycopg.errors.UndefinedColumn as error:
        raise DatabaseUnavailable(
            f"{SCHEMA}.{_VERSION} is not the table that pyrus-etl made; name another database in DATABASE_URL, or "
            "rename that table or its schema."
        ) from error
    return str(found[0]) if found else None


def require_schema(connection: Connection) -> None:
    """Raises DatabaseUnavailable if the schema is not at the revision of this version, or rows of it are hidden."""
    found = revision(connection)
    require_known(found)
    if found != REVISION:
        raise DatabaseUnavailable(f"The database {_state(connection, found)}; run pyrus-etl db upgrade.")
    _require_all_rows(connection, [table for table, hides in _tables(connection).items() if hides])


def require_known(found: str | None) -> None:
    """Raises DatabaseUnavailable if this version does not know the revision, which then is of a newer one."""
    if not is_known(found):
        raise DatabaseUnavailable(
            f"The database is at revision {found}, which this version ({REVISION}) does not know: install the newer "
            "pyrus-etl that made it, or name another database in DATABASE_URL."
        )


def is_known(found: str | None) -> bool:
    return found is None or (re.fullmatch(r"\d{4}", found) is not None and found <= REVISION)


def declared_tables_present(connection: Connection) -> list[str]:
    """The tables in the schema that are named like ours."""
    return sorted({table.name for table in metadata.tables.values()} & _tables(connection).keys())


def _state(connection: Connection, found: str | None) -> str:
    if found is not None:
        return f"is at revision {found}, this version expects {REVISION}"
    if declared_tables_present(connection):
        return "has tables, but no revision, as a copy of the schema alone has"
    return "has no tables yet"


def _tables(connection: Connection) -> dict[str, bool]:
    """The tables and views in the schema, and whether row level security applies to our role."""
    return dict(connection.execute(_TABLES, [SCHEMA]).fetchall())


def _require_all_rows(connection: Connection, hidden: list[str]) -> None:
    if hidden:
        tables, first = ", ".join(f"{SCHEMA}.{table}" for table in hidden), f"{SCHEMA}.{hidden[0]}"
        role = connection.info.user
        raise DatabaseUnavailable(
            f"Row level security may hide rows of {tables} from the role {role}; disable it (ALTER TABLE {first} "
            f"DISABLE ROW LEVEL SECURITY) or exempt the role (ALTER ROLE {role} BYPASSRLS)."
        )
