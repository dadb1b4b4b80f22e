"""Ways to write rows into a table, whichever it is: COPY, replacement by owner, merge by key.

All of them write inside the caller's transaction. What was measured of other ways stands in docs/why.md.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, LiteralString

from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from pyrus_etl.load.connection import Connection

Row = tuple[Any, ...]

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


def copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Adds rows, all columns in the table's order, by binary COPY."""
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(_copy_statement(table)) as stream:
        stream.set_types(_types(table))
        for row in rows:
            stream.write_row(row)


def replace(connection: Connection, table: Table, rows: Sequence[Row], owners: Collection[int]) -> None:
    """Puts rows in place of all that these owners, ids in the key's first column, had in the table."""
    if owners:
        connection.execute(_delete_statement(table), [list(owners)])
    copy(connection, table, rows)


def merge(connection: Connection, table: Table, rows: Collection[Row], *, keep_untold: bool) -> None:
    """Adds rows and updates those whose key is there; a row that is as it should be is not touched, nor locked.

    Each key may be in `rows` once. With `keep_untold` a null does not overwrite what is stored.
    """
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(_merge_statement(table, keep_untold), columns)


@cache
def _types(table: Table) -> list[LiteralString]:
    """What PostgreSQL calls the types of the columns; they stand in our own tables, never in data."""
    return [column.type.compile(dialect=_dialect).lower() for column in table.columns]


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema or "", table.name)


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]


@cache
def _copy_statement(table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, _columns(table)))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(_name(table), columns)


@cache
def _delete_statement(table: Table) -> sql.Composed:
    owner = sql.Identifier(_columns(table)[0])
    return sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(_name(table), owner)


@cache
def _merge_statement(table: Table, keep_untold: bool) -> sql.Composed:
    keys = [column.name for column in table.primary_key.columns]
    others = [name for name in _columns(table) if name not in keys]
    value: LiteralString = "COALESCE(new.{0}, old.{0})" if keep_untold else "new.{0}"
    return sql.SQL(
        """
        INSERT INTO {table} ({columns})
        SELECT {values} FROM unnest({arrays}) AS new ({columns})
        LEFT JOIN {table} AS old USING ({keys})
        WHERE old.{key} IS NULL OR ({old}) IS DISTINCT FROM ({told})
        ON CONFLICT ({keys}) DO UPDATE SET ({others}) = ROW ({excluded})
        """
    ).format(
        table=_name(table),
        key=sql.Identifier(keys[0]),
        keys=_list("{}", keys),
        columns=_list("{}", _columns(table)),
        values=sql.SQL(", ").join([_list("new.{}", keys), _list(value, others)]),
        arrays=sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind in _types(table)),
        old=_list("old.{}", others),
        told=_list(value, others),
        others=_list("{}", others),
        excluded=_list("EXCLUDED.{}", others),
    )


def _list(pattern: LiteralString, names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(pattern).format(sql.Identifier(name)) for name in names)
