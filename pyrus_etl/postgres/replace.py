"""Writes rows in which a null is a value, and finds the stored ones that are no longer among them.

Every function writes inside the caller's transaction. A row that would not change is neither written nor locked.
"""

import json
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, LiteralString

from psycopg import sql
from sqlalchemy import ARRAY, Table

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.copy import Row, column_list, column_type, quoted

_TEXTS = sql.SQL(
    "CASE WHEN {column} IS NOT NULL THEN "
    "ARRAY(SELECT value FROM jsonb_array_elements_text({column}::jsonb) WITH ORDINALITY AS each (value, place) "
    "ORDER BY place) END"
)
"""PostgreSQL's unnest would take an array of arrays apart, so an array of texts travels as JSON."""


def replace(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Adds rows, and overwrites these columns of those whose key exists; the key comes first, each key once.

    A column `seen_at` gets the time of the transaction in every row that is written.
    """
    if rows:
        connection.execute(_replace_statement(table, columns), _arrays_of(table, columns, rows))


def vanished(
    connection: Connection, table: Table, action: LiteralString, owners: Collection[int], rows: Sequence[Row]
) -> int:
    """Updates (`SET …`) or deletes (`DELETE`) the owners' rows whose key is not among those of `rows`.

    The owner is the first column of the key. `action` may end with a condition (`SET … WHERE …`). Returns the number.
    """
    if not owners:
        return 0
    keys = [row[: len(table.primary_key)] for row in rows] or [(None,) * len(table.primary_key)]
    arrays = [list(column) for column in zip(*keys, strict=True)]
    return connection.execute(_vanished_statement(table, action), [*arrays, list(owners)]).rowcount


@cache
def _replace_statement(table: Table, columns: tuple[str, ...]) -> sql.Composed:
    keys = [column.name for column in table.primary_key.columns]
    others = [name for name in columns if name not in keys]
    stamp = sql.SQL(", seen_at" if "seen_at" in table.columns else "")
    return sql.SQL(
        """
        INSERT INTO {table} AS stored ({columns}{stamp})
        SELECT {new}{now} FROM (SELECT {values} FROM unnest({arrays}) AS served ({columns})) AS new
        LEFT JOIN {table} AS old USING ({keys})
        WHERE old.{key} IS NULL OR ROW ({old}) IS DISTINCT FROM ROW ({new_others})
        ORDER BY {new_keys}
        ON CONFLICT ({keys}) DO {action}
        """
    ).format(
        table=quoted(table),
        columns=column_list("{}", columns),
        stamp=stamp,
        new=column_list("new.{}", columns),
        now=sql.SQL(", now()" if "seen_at" in table.columns else ""),
        values=sql.SQL(", ").join(_value(table, name) for name in columns),
        arrays=sql.SQL(", ").join(_array(table, name) for name in columns),
        keys=column_list("{}", keys),
        new_keys=column_list("new.{}", keys),
        key=sql.Identifier(keys[0]),
        old=column_list("old.{}", others),
        new_others=column_list("new.{}", others),
        action=_overwrite([*others, *(["seen_at"] if "seen_at" in table.columns else [])]),
    )


def _overwrite(names: Sequence[str]) -> sql.Composable:
    if not names:
        return sql.SQL("NOTHING")
    excluded = column_list("EXCLUDED.{}", names)
    return sql.SQL("UPDATE SET ({}) = ROW ({})").format(column_list("{}", names), excluded)


@cache
def _vanished_statement(table: Table, action: LiteralString) -> sql.Composed:
    keys = [column.name for column in table.primary_key.columns]
    change, _, condition = action.partition(" WHERE ")
    begin = sql.SQL("DELETE FROM {table} AS stored" if change == "DELETE" else "UPDATE {table} AS stored {change}")
    return sql.SQL(
        """
        WITH given ({keys}) AS (SELECT * FROM unnest({arrays}))
        {begin} WHERE stored.{owner} = ANY(%s) AND {condition}
          AND NOT EXISTS (SELECT FROM given WHERE ({given}) = ({stored}))
        """
    ).format(
        begin=begin.format(table=quoted(table), change=sql.SQL(change)),
        keys=column_list("{}", keys),
        arrays=sql.SQL(", ").join(_array(table, name) for name in keys),
        owner=sql.Identifier(keys[0]),
        condition=sql.SQL(condition or "true"),
        given=column_list("given.{}", keys),
        stored=column_list("stored.{}", keys),
    )


def _is_texts(table: Table, name: str) -> bool:
    return isinstance(table.columns[name].type, ARRAY)


def _array(table: Table, name: str) -> sql.Composed:
    """A parameter: the values of a column."""
    return sql.SQL("%s::{}[]").format(sql.SQL("text" if _is_texts(table, name) else column_type(table, name)))


def _value(table: Table, name: str) -> sql.Composed:
    column = sql.Identifier("served", name)
    value = _TEXTS.format(column=column) if _is_texts(table, name) else sql.Composed([column])
    return sql.SQL("{} AS {}").format(value, sql.Identifier(name))


def _arrays_of(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> list[list[Any]]:
    arrays = [list(column) for column in zip(*rows, strict=True)]
    for place, name in enumerate(columns):
        if _is_texts(table, name):
            arrays[place] = [None if value is None else json.dumps(value) for value in arrays[place]]
    return arrays
