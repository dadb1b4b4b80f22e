"""Rows from one database to another of any version, through binary COPY and with flat memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from psycopg import sql

from pyrus_etl.postgres.connection import Connection

Columns = Mapping[tuple[str, str], Sequence[str]]
"""(schema, table) → the columns to copy, in the order in which the tables refer to one another."""


@contextmanager
def snapshot(connection: Connection, frozen: tuple[str, str]) -> Iterator[None]:
    """A transaction that sees one moment; until it ends, nobody else can write to the table `frozen`."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL lock_timeout = '10s'")
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(*frozen)))
        yield


def copy_rows(source: Connection, target: Connection, tables: Columns) -> Iterator[tuple[str, int]]:
    """Copies all rows of each table, and yields its name and their number. The target's tables must be empty."""
    for (schema, table), columns in tables.items():
        rows = sql.SQL("{} ({})").format(
            sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with (
            source.cursor().copy(sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(rows)) as read,
            target.cursor() as cursor,
        ):
            with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(rows)) as written:
                for block in read:
                    written.write(block)
            yield table, cursor.rowcount


def tables_with_rows(connection: Connection, tables: Columns) -> list[str]:
    """Returns the tables that are not empty."""
    return [
        table
        for schema, table in tables
        if connection.execute(
            sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, table))
        ).fetchone()
        == (True,)
    ]
