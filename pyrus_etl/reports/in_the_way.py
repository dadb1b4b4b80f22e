"""Objects that prevent a change: PostgreSQL's errors for them, ours for a wide view, and those that have our names."""

import psycopg
from sqlalchemy import Table

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.views import views
from pyrus_etl.schema.metadata import REPORT_SCHEMA, SCHEMA, metadata

InTheWay = (
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.DependentObjectsStillExist,
)
"""PostgreSQL's errors if existing views prevent their own replacement or a migration."""

RENAME_STRANGERS = "rename it, move it to another schema, or drop it, and pyrus-etl db upgrade creates ours"
_STRANGERS = """
    WITH needed AS (
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS needed (schema, name, kind, of_table)
    ), there (schema, name, kind, of_table) AS (
        SELECT nspname, relname,
               CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'i' THEN 'index'
                   WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'm' THEN 'materialized view'
                   WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'relation' END,
               (SELECT indexed.relname FROM pg_index JOIN pg_class AS indexed ON indexed.oid = indrelid
                WHERE indexrelid = object.oid AND NOT indexed.relispartition)
        FROM pg_class AS object JOIN pg_namespace AS schema ON schema.oid = relnamespace
        UNION ALL
        SELECT nspname, typname, CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END, NULL
        FROM pg_type JOIN pg_namespace AS schema ON schema.oid = typnamespace WHERE typtype <> 'c'
    )
    SELECT schema, name, needed.kind,
           CASE WHEN there.kind = 'index' THEN 'index of ' || there.of_table ELSE there.kind END
    FROM needed JOIN there USING (schema, name)
    WHERE needed.kind <> there.kind AND (needed.kind <> 'index' OR there.kind NOT IN ('domain', 'type'))
        OR needed.kind = there.kind AND needed.of_table <> there.of_table
            AND to_regclass(quote_ident(schema) || '.' || quote_ident(needed.of_table)) IS NOT NULL
    ORDER BY schema, name, there.kind
"""
_TAKEN = """
    SELECT relname FROM pg_class WHERE relnamespace = %(schema)s::regnamespace
    UNION SELECT typname FROM pg_type WHERE typnamespace = %(schema)s::regnamespace
"""
"""A relation needs a type of its own name too."""


class WideViewInTheWay(Exception):
    """A wide view cannot be replaced in place. `orig`: one of `InTheWay`; see `postgres.locks.cause_of`."""

    def __init__(self, view: str, orig: psycopg.Error) -> None:
        super().__init__(f"{view}: {orig.diag.message_primary}")
        self.view = view
        self.orig = orig


def strangers(connection: Connection) -> list[str]:
    """Objects that have a name of ours and are not ours, in words: nothing of ours can be created beside them.

    They are of another kind, or an index or constraint of another table. A partition has indexes of its own, and so has
    a table of ours that was renamed.
    """
    needed = [
        *((SCHEMA, table.name, "table", None) for table in metadata.sorted_tables),
        *((SCHEMA, name, "index", table.name) for table in metadata.sorted_tables for name in _indexes(table)),
        (SCHEMA, "alembic_version", "table", None),
        *((REPORT_SCHEMA, name, "view", None) for name in views()),
    ]
    found = connection.execute(_STRANGERS, [list(column) for column in zip(*needed, strict=True)])
    return [
        f"{schema}.{name} is {_a(there)}, and pyrus-etl needs {_a(kind)} of this name"
        for schema, name, kind, there in found
    ]


def _indexes(table: Table) -> list[str]:
    """The names of its indexes, also of the one that its primary key has."""
    return [str(table.primary_key.name), *(str(index.name) for index in table.indexes)]


def require_no_strangers(connection: Connection) -> None:
    """Raises DatabaseUnavailable if objects that are not ours have names of ours."""
    if found := strangers(connection):
        raise DatabaseUnavailable(f"{'; '.join(found)}; {RENAME_STRANGERS}.")


def taken_names(connection: Connection) -> set[str]:
    """The names that no new report can have."""
    return {name for (name,) in connection.execute(_TAKEN, {"schema": REPORT_SCHEMA})}


def _a(kind: str) -> str:
    return f"an {kind}" if kind.startswith("index") else f"a {kind}"
