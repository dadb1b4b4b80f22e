"""Writes rows into any table: COPY, deletion by owner, merge and update by key.

Every function writes inside the caller's transaction. docs/why.md has the measurements of the alternatives.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, LiteralString

from psycopg import Copy, sql
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import written_columns

Row = tuple[Any, ...]

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


def copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Adds rows by binary COPY, with all columns in the table's order."""
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(_copy_statement(table)) as stream:
        set_types(stream, table)
        for row in rows:
            stream.write_row(row)


def set_types(stream: Copy, table: Table) -> None:
    """Makes a COPY into the table send values in the types of its columns."""
    stream.set_types(_types(table))


def delete(connection: Connection, table: Table, owners: Collection[int], condition: LiteralString | None) -> None:
    """Deletes the rows whose first column is one of these owners; with a condition, only those that meet it."""
    if owners:
        connection.execute(_delete_statement(table, condition), [list(owners)])


def merge(connection: Connection, table: Table, rows: Collection[Row]) -> None:
    """Adds rows and updates those whose key exists; a null does not overwrite a stored value.

    A stored row with a value in the table's column `settled_by` stays as it is. A row that would not change is neither
    written nor locked. Each key may occur in `rows` once.
    """
    if rows:
        connection.execute(_merge_statement(table), [list(column) for column in zip(*rows, strict=True)])


def update(connection: Connection, table: Table, names: tuple[str, ...], rows: Collection[Row]) -> None:
    """Overwrites columns of stored rows, in a table with `synced_at`; `names` includes the key.

    A row that would not change is not written. Each key may occur in `rows` once.
    """
    if rows and len(names) > len(table.primary_key):
        connection.execute(_update_statement(table, names), [list(column) for column in zip(*rows, strict=True)])


@cache
def _types(table: Table) -> list[LiteralString]:
    """PostgreSQL's names of the columns' types. They come from our declared tables, never from data."""
    return [column_type(table, name) for name in written_columns(table)]


def column_type(table: Table, name: str) -> LiteralString:
    kind: LiteralString = table.columns[name].type.compile(dialect=_dialect).lower()
    return kind


def quoted(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema or "", table.name)


@cache
def _copy_statement(table: Table) -> bytes:
    columns = sql.SQL(", ").join(map(sql.Identifier, written_columns(table)))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(quoted(table), columns).as_bytes()


@cache
def _delete_statement(table: Table, condition: LiteralString | None) -> bytes:
    owner = sql.Identifier(written_columns(table)[0])
    statement = sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(quoted(table), owner)
    return (sql.SQL(" AND ").join([statement, sql.SQL(condition)]) if condition else statement).as_bytes()


@cache
def _merge_statement(table: Table) -> bytes:
    keys, others = _split(table, written_columns(table))
    return (
        sql.SQL(
            """
        INSERT INTO {table} ({columns})
        SELECT {new_keys}, {values} FROM unnest({arrays}) AS new ({columns})
        LEFT JOIN {table} AS old USING ({keys})
        WHERE old.{key} IS NULL OR {open} AND ({old}) IS DISTINCT FROM ({values})
        ON CONFLICT ({keys}) DO UPDATE SET ({others}) = ROW ({excluded})
        """
        )
        .format(
            table=quoted(table),
            key=sql.Identifier(keys[0]),
            open=_may_change(table),
            keys=column_list("{}", keys),
            columns=column_list("{}", written_columns(table)),
            new_keys=column_list("new.{}", keys),
            values=column_list("COALESCE(new.{0}, old.{0})", others),
            arrays=_arrays(table, written_columns(table)),
            old=column_list("old.{}", others),
            others=column_list("{}", others),
            excluded=column_list("EXCLUDED.{}", others),
        )
        .as_bytes()
    )


def _may_change(table: Table) -> sql.Composable:
    """The condition on a stored row that a merge may change."""
    settled_by = table.info.get("settled_by")
    return sql.SQL("old.{} IS NULL").format(sql.Identifier(settled_by)) if settled_by else sql.SQL("true")


@cache
def _update_statement(table: Table, names: tuple[str, ...]) -> bytes:
    keys, others = _split(table, names)
    return (
        sql.SQL(
            """
        UPDATE {table} AS old SET ({others}) = ROW ({values}), synced_at = now()
        FROM unnest({arrays}) AS new ({columns})
        WHERE ({old_keys}) = ({new_keys}) AND ({old}) IS DISTINCT FROM ({values})
        """
        )
        .format(
            table=quoted(table),
            others=column_list("{}", others),
            values=column_list("new.{}", others),
            arrays=_arrays(table, names),
            columns=column_list("{}", names),
            old_keys=column_list("old.{}", keys),
            new_keys=column_list("new.{}", keys),
            old=column_list("old.{}", others),
        )
        .as_bytes()
    )


def _split(table: Table, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The columns of the key, and the rest of `names`."""
    keys = [column.name for column in table.primary_key.columns]
    return keys, [name for name in names if name not in keys]


def _arrays(table: Table, names: Iterable[str]) -> sql.Composed:
    """A parameter for each column: the array of its values."""
    return sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(column_type(table, name))) for name in names)


def column_list(pattern: LiteralString, names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(pattern).format(sql.Identifier(name)) for name in names)
