"""The comments of views: what each is for, and what each of its columns shows."""

from collections.abc import Mapping
from typing import NamedTuple

from psycopg import sql

from pyrus_etl.load.connection import Connection
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_PRESENT = """
    SELECT relname::text, coalesce(obj_description(pg_class.oid, 'pg_class'), ''), array_agg(attname::text),
           array_agg(col_description(pg_class.oid, attnum))
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = %s::regnamespace AND relkind = 'v' GROUP BY pg_class.oid
"""
_COMMENT = sql.SQL("COMMENT ON {} {} IS {}")


class Comments(NamedTuple):
    """On a view, and on each of its columns by name; None where a column has none."""

    view: str
    columns: Mapping[str, str | None]


def present(connection: Connection) -> dict[str, Comments]:
    """Every view of the reports with the comments that stand on it."""
    found = connection.execute(_PRESENT, [REPORT_SCHEMA])
    return {view: Comments(said, dict(zip(names, texts, strict=True))) for view, said, names, texts in found}


def renewed(view: str, wanted: Comments, there: Comments | None) -> list[sql.Composed]:
    """The statements after which what is wanted stands on the view and its columns."""
    there = there or Comments("", {})
    statements = []
    if wanted.view != there.view:
        statements.append(_COMMENT.format(sql.SQL("VIEW"), sql.Identifier(REPORT_SCHEMA, view), wanted.view))
    for name, text in wanted.columns.items() - there.columns.items():
        statements.append(_COMMENT.format(sql.SQL("COLUMN"), sql.Identifier(REPORT_SCHEMA, view, name), text))
    return statements
