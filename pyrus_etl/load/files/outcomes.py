"""What became of the contents of files, at Pyrus or another service: attachment_contents, service_file_contents."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from psycopg.sql import SQL, Composed, Identifier, Placeholder
from sqlalchemy import Table

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.attachment import Outcome


class Ended(NamedTuple):
    """What became of the contents of a file; `key`: of its row, in the order of the table; `path`: below the target."""

    key: tuple[int | str, ...]
    outcome: Outcome
    path: str


def write(connection: Connection, table: Table, ended: Iterable[Ended]) -> None:
    """Writes what became of files; attempts add up. Contents that are stored stay recorded until they are again."""
    with connection.cursor() as cursor:
        cursor.executemany(_statement(table), [_parameters(table, each) for each in ended])


def _parameters(table: Table, ended: Ended) -> dict[str, int | str | None]:
    return {**dict(zip(table.primary_key.columns.keys(), ended.key, strict=True)), **ended.outcome._asdict()}


@cache
def _statement(table: Table) -> Composed:
    key, given = table.primary_key.columns.keys(), Outcome._fields
    return SQL(
        """
        INSERT INTO pyrus.{table} AS content ({columns}, stored_at)
        VALUES ({values}, CASE WHEN {status} = 'stored' THEN now() END)
        ON CONFLICT ({key}) DO UPDATE SET {replaced}, attempts = content.attempts + EXCLUDED.attempts
        WHERE content.status <> 'stored' OR EXCLUDED.status = 'stored'
        """
    ).format(
        table=Identifier(table.name),
        key=SQL(", ").join(map(Identifier, key)),
        columns=SQL(", ").join(map(Identifier, [*key, *given])),
        values=SQL(", ").join(map(Placeholder, [*key, *given])),
        status=Placeholder("status"),
        replaced=SQL(", ").join(
            SQL("{0} = EXCLUDED.{0}").format(Identifier(each)) for each in (*given, "stored_at") if each != "attempts"
        ),
    )
