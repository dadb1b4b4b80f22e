"""The structure of the tables as one hash, kept as the comment of their schema when it is that of the declaration.

Alembic takes a quarter of a second to compare the tables with their declaration; the hash takes a hundredth.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import REVISION, SCHEMA, metadata

_STRUCTURE = """
    WITH relation AS (
        SELECT oid, relname, relkind FROM pg_class
        WHERE relnamespace = to_regnamespace(%(schema)s) AND relkind IN ('r', 'p', 'f')
    ), line AS (
        SELECT concat_ws('|', 'table', relname, relkind, obj_description(oid, 'pg_class')) AS text FROM relation
        UNION ALL SELECT concat_ws('|', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull,
            attidentity, attgenerated, attcollation, pg_get_expr(adbin, adrelid), '',
            col_description(relation.oid, attnum))
        FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        UNION ALL SELECT concat_ws('|', 'constraint', relname, conname, pg_get_constraintdef(pg_constraint.oid))
        FROM relation JOIN pg_constraint ON conrelid = relation.oid AND contype <> 'n'
        UNION ALL SELECT concat_ws('|', 'index', pg_get_indexdef(indexrelid), indisvalid)
        FROM relation JOIN pg_index ON indrelid = relation.oid
    )
    SELECT coalesce(md5(string_agg(text, E'\\n' ORDER BY text COLLATE "C")), '') FROM line
"""
"""All that a comparison looks at. NOT NULL is a property of the column, and since PostgreSQL 18 a constraint too."""
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_OURS = "What Pyrus serves, copied by pyrus-etl. Hash of the tables: "
_KEPT = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')"
_MAY_KEEP = "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = %s"


def is_declared(connection: Connection) -> bool:
    """Whether the tables have not changed since a comparison with this declaration found no difference."""
    kept = _kept(connection)
    return kept.startswith(_OURS) and kept == _remark(connection)


def keep(connection: Connection) -> None:
    """Remembers that a comparison found no difference, if the comment of the schema is ours and the role may set it."""
    kept = _kept(connection)
    if kept and not kept.startswith(_OURS):
        return
    if connection.execute(_MAY_KEEP, [SCHEMA]).fetchone() == (True,) and kept != (remark := _remark(connection)):
        comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
        connection.execute(comment.format(sql.Identifier(SCHEMA), sql.Literal(remark)))


def _kept(connection: Connection) -> str:
    """The comment of the schema; empty if there is none."""
    (found,) = connection.execute(_KEPT, [SCHEMA]).fetchone() or (None,)
    return found or ""


def _remark(connection: Connection) -> str:
    with _plain(connection):
        (found,) = connection.execute(_STRUCTURE, {"schema": SCHEMA}).fetchone() or ("",)
    return f"{_OURS}{_declared()[:12]}, as stored by PostgreSQL {found[:12]}."


@contextmanager
def _plain(connection: Connection) -> Iterator[None]:
    """Settings that change how PostgreSQL writes a definition, for the block."""
    query = "SELECT set_config('search_path', %s, true), set_config('timezone', %s, true)"
    with connection.transaction():
        (before,) = connection.execute("SELECT current_setting('search_path'), current_setting('timezone')").fetchall()
        connection.execute(query, ["", "UTC"])
        yield
        connection.execute(query, before)


@cache
def _declared() -> str:
    """A hash of the declaration: of the statements that would create the tables, and of the comments."""
    lines = [REVISION]
    for table in metadata.sorted_tables:
        lines.append(str(CreateTable(table).compile(dialect=_DIALECT)))
        lines += sorted(str(CreateIndex(index).compile(dialect=_DIALECT)) for index in table.indexes)
        lines += [str(table.comment), *(str(column.comment) for column in table.columns)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
