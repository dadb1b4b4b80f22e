"""Whether rows are stored already, without parsing them: both sides are compared as binary COPY has them.

A difference that is not one of the value (1.0 and 1.00) counts too. If equal rows look different, they are only written
again. https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Any

import msgspec
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.copy import Copy, Writer
from sqlalchemy import Column, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.copy import Row, column_list, quoted, set_types
from pyrus_etl.schema.metadata import written_columns


def are_stored(connection: Connection, table: Table, owners: Collection[int], rows: Sequence[Row]) -> bool:
    """Whether these rows, in any order, are all that the table has of the owners (the first column of the key)."""
    return _encoded(connection, table, rows) == _stored(connection, table, owners)


_decoder = msgspec.json.Decoder(float_hook=Decimal)  # keeps all digits
_encoder = msgspec.json.Encoder(decimal_format="number")


class _Memory(Writer):
    """Keeps what a COPY would send."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: Buffer) -> None:
        self.sent += data


def _encoded(connection: Connection, table: Table, rows: Sequence[Row]) -> bytes:
    memory, places = _Memory(), _json_places(table)
    with connection.cursor() as cursor:
        stream = Copy(cursor, binary=True, writer=memory)
        set_types(stream, table)
        for row in sorted(rows, key=itemgetter(*_key_places(table))):
            stream.write_row(_as_printed(row, places))
        stream.finish(None)
    return bytes(memory.sent)


def _stored(connection: Connection, table: Table, owners: Collection[int]) -> bytes:
    with connection.cursor() as cursor, cursor.copy(_statement(table), [list(owners)]) as stream:
        return b"".join(stream)


@cache
def _statement(table: Table) -> bytes:
    statement = sql.SQL("COPY (SELECT {} FROM {} WHERE {} = ANY(%s) ORDER BY {}) TO STDOUT (FORMAT BINARY)")
    columns, owner = column_list("{}", written_columns(table)), sql.Identifier(written_columns(table)[0])
    order = sql.SQL(", ").join(map(_ascending, table.primary_key.columns))
    return statement.format(columns, quoted(table), owner, order).as_bytes()


def _ascending(column: Column[Any]) -> sql.Composed:
    """Orders by a column as Python does: texts by code point."""
    collation = 'COLLATE "C"' if isinstance(column.type, Text) else ""
    return sql.Identifier(column.name) + sql.SQL(" " + collation)


@cache
def _key_places(table: Table) -> tuple[int, ...]:
    return tuple(written_columns(table).index(column.name) for column in table.primary_key.columns)


@cache
def _json_places(table: Table) -> tuple[int, ...]:
    names = written_columns(table)
    return tuple(names.index(name) for name in names if isinstance(table.columns[name].type, JSONB))


def _as_printed(row: Row, places: tuple[int, ...]) -> Row:
    for place in places:
        if row[place] is not None:
            row = (*row[:place], printed(row[place]), *row[place + 1 :])
    return row


def printed(text: bytes) -> bytes:
    """A JSON text as PostgreSQL prints it from a jsonb: shorter keys first, then by their bytes.

    One that is nested too deeply to be read here is returned as it is.
    """
    try:
        return msgspec.json.format(_encoder.encode(_in_order(_decoder.decode(text))), indent=0)
    except RecursionError:
        return text


def _in_order(value: Any) -> Any:
    """Sorts the keys of every object, in place. No recursion: a body may be nested as deeply as a decoder reads."""
    nested = [value]
    for each in nested:
        if isinstance(each, dict):
            items = sorted(each.items(), key=lambda item: _length_and_bytes(item[0]))
            each.clear()
            each.update(items)
            nested += each.values()
        elif isinstance(each, list):
            nested += each
    return value


def _length_and_bytes(key: str) -> tuple[int, bytes]:
    return len(key.encode()), key.encode()
