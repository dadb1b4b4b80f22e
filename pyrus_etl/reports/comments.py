"""The comments of views and of their columns.

A comment that a user changed stays. To notice that, hashes of our comments are stored in the comment of the rule that
makes a relation a view: it is hidden from users, and is dropped with the view.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

from psycopg import sql

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_PRESENT = """
    SELECT relname::text, coalesce(obj_description(pg_class.oid, 'pg_class'), ''), array_agg(attname::text),
           array_agg(col_description(pg_class.oid, attnum))
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = %s::regnamespace AND relkind = 'v' GROUP BY pg_class.oid
"""
_COMMENT = sql.SQL("COMMENT ON {} {} IS {}")
_REMARKS: LiteralString = """
    WITH report AS MATERIALIZED (
        SELECT class.*, format('%I.%I', nspname, relname) AS name, obj_description(rule.oid, 'pg_rewrite') AS written
        FROM pg_class AS class JOIN pg_namespace AS schema ON schema.oid = relnamespace
        JOIN pg_rewrite AS rule ON ev_class = class.oid AND rulename = '_RETURN' WHERE nspname = {schema}
    ),
    remark AS (
        SELECT report.oid, name, written, left(md5(objsubid || ' ' || description), 8) AS hash,
               format('COMMENT ON %s IS %L', CASE
                   WHEN objsubid > 0 THEN format('COLUMN %s.%I', name, attname)
                   WHEN relkind = 'm' THEN 'MATERIALIZED VIEW ' || name ELSE 'VIEW ' || name END, description
               ) AS statement
        FROM report JOIN pg_description ON objoid = report.oid AND classoid = 'pg_class'::regclass
        LEFT JOIN pg_attribute ON attrelid = report.oid AND attnum = objsubid
    )
"""
_OF_USERS = sql.SQL(
    f"""{_REMARKS}
    , ours AS (SELECT oid, unnest(string_to_array(written, ' ')) AS hash FROM report)
    SELECT name, statement FROM remark LEFT JOIN ours USING (oid, hash)
    WHERE written IS NOT NULL AND ours.oid IS NULL ORDER BY name, statement
    """  # noqa: S608 -- constants
)
_UNREMEMBERED = sql.SQL(
    f"""{_REMARKS}
    , wanted AS (
        SELECT oid, string_agg(hash, ' ' ORDER BY hash) AS hashes
        FROM remark WHERE statement <> ALL ({{of_users}}::text[]) GROUP BY oid
    )
    SELECT format('COMMENT ON RULE "_RETURN" ON %s IS %L', name, text)
    FROM report LEFT JOIN wanted USING (oid), concat('Comments by pyrus-etl: ', coalesce(hashes, 'none')) AS text
    WHERE relname = ANY ({{reports}}::text[]) AND pg_has_role(relowner, 'USAGE') AND written IS DISTINCT FROM text
    """  # noqa: S608 -- constants
)


class Comments(NamedTuple):
    """The comment of a view, and of each of its columns by name; None if a column has none."""

    view: str
    columns: Mapping[str, str | None]


def present(connection: Connection) -> dict[str, Comments]:
    """Returns every view in `pyrus_report` with its comments."""
    found = connection.execute(_PRESENT, [REPORT_SCHEMA])
    return {view: Comments(comment, dict(zip(names, texts, strict=True))) for view, comment, names, texts in found}


def renewed(view: str, wanted: Comments, existing: Comments | None) -> list[sql.Composed]:
    """Returns the statements that give the view and its columns the wanted comments."""
    existing = existing or Comments("", {})
    statements = []
    if wanted.view != existing.view:
        statements.append(_COMMENT.format(sql.SQL("VIEW"), sql.Identifier(REPORT_SCHEMA, view), wanted.view))
    for name, text in wanted.columns.items() - existing.columns.items():
        statements.append(_COMMENT.format(sql.SQL("COLUMN"), sql.Identifier(REPORT_SCHEMA, view, name), text))
    return statements


def of_users(connection: Connection) -> list[tuple[str, str]]:
    """Returns the comments that users changed: the relation, and the statement that recreates the comment."""
    found = connection.execute(_OF_USERS.format(schema=sql.Literal(REPORT_SCHEMA)))
    return [(relation, statement) for relation, statement in found]


def store_hashes(connection: Connection, reports: Sequence[str], of_users: Sequence[str]) -> None:
    """Stores the hashes of the comments of these reports as ours, except those in `of_users`."""
    literals = {"schema": REPORT_SCHEMA, "reports": list(reports), "of_users": list(of_users)}
    found = connection.execute(_UNREMEMBERED.format(**{name: sql.Literal(value) for name, value in literals.items()}))
    statements = [statement for (statement,) in found]
    if statements:
        connection.execute(";".join(statements).encode())
