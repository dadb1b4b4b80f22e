"""Objects that prevent a change: PostgreSQL's errors for them, ours for a wide view, and those that have our names."""

import psycopg

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
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS needed (schema, name, kind)
    ), there (schema, name, kind) AS (
        SELECT nspname, relname,
               CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'i' THEN 'index'
                   WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'm' THEN 'materialized view'
                   WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'relation' END
        FROM pg_class JOIN pg_namespace AS schema ON schema.oid = relnamespace
        UNION ALL
        SELECT nspname, typname, CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END
        FROM pg_type JOIN pg_namespace AS schema ON schema.oid = typnamespace WHERE typtype <> 'c'
    )
    SELECT schema, name, needed.kind, there.kind FROM needed JOIN there USING (schema, name)
    WHERE needed.kind <> there.kind AND (needed.kind <> 'index' OR there.kind NOT IN ('domain', 'type'))
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
    """Objects of another kind that have a name of ours, in words: nothing of ours can be created beside them."""
    needed = [
        *((SCHEMA, table.name, "table") for table in metadata.sorted_tables),
        *((SCHEMA, str(index.name), "index") for table in metadata.sorted_tables for index in table.indexes),
        (SCHEMA, "alembic_version", "table"),
        *((REPORT_SCHEMA, name, "view") for name in views()),
    ]
    found = connection.execute(_STRANGERS, [list(column) for column in zip(*needed, strict=True)])
    return [
        f"{schema}.{name} is {_a(there)}, and pyrus-etl needs {_a(kind)} of this name"
        for schema, name, kind, there in found
    ]


def require_no_strangers(connection: Connection) -> None:
    """Raises DatabaseUnavailable if objects of another kind have names of ours."""
    if found := strangers(connection):
        raise DatabaseUnavailable(f"{'; '.join(found)}; {RENAME_STRANGERS}.")


def taken_names(connection: Connection) -> set[str]:
    """The names that no new report can have."""
    return {name for (name,) in connection.execute(_TAKEN, {"schema": REPORT_SCHEMA})}


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "index" else f"a {kind}"
