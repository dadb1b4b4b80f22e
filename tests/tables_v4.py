"""The tables of a database beside the world that API v4 serves, through the oracle."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import psycopg

from pyrus_etl.sandbox import World
from pyrus_etl.schema import metadata
from pyrus_etl.settings import Secret
from tests.oracle_v4 import Table, tables_of

OWN = {"synced_at", "deleted_at", "detail_at", "user_id"}
"""Columns that no body has."""
_THERE = "task_id NOT IN (SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL)"


def assert_tables_equal_world_v4(database: Secret, world: World) -> None:
    """Asserts that every table about tasks has what the world serves over API v4; others are deleted."""
    assert_tables_equal_bodies_v4(database, dict(world.v4.bodies()))


def assert_tables_equal_bodies_v4(database: Secret, bodies: Mapping[int, bytes]) -> None:
    """Asserts that every table about tasks has the rows of these bodies; other tasks are deleted."""
    expected = tables_of(bodies)
    with psycopg.connect(database.reveal(), options="-c timezone=UTC") as connection:
        for name, rows in expected.items():
            found = _read(connection, name)
            missing, more = rows.keys() - found.keys(), found.keys() - rows.keys()
            assert (missing, more) == (set(), set()), f"{name}: missing {missing}, too many {more}"
            different = _different(rows, found)
            assert different == {}, f"{name}: {next(iter(different.items()))}"


def different_rows(database: Secret, bodies: Mapping[int, bytes]) -> dict[str, Any]:
    """The rows of these tasks that are not as their bodies say, by table; the rows of other tasks may be anything."""
    wrong: dict[str, Any] = {}
    with psycopg.connect(database.reveal(), options="-c timezone=UTC") as connection:
        for name, rows in tables_of(bodies).items():
            found = {key: row for key, row in _read(connection, name).items() if key[0] in bodies}
            different = rows.keys() ^ found.keys() or _different(rows, found)
            if different:
                wrong[name] = different
    return wrong


def _different(rows: Table, found: Table) -> dict[Any, Any]:
    return {key: (rows[key], found[key]) for key in rows if _plain(rows[key]) != _plain(found[key])}


def _read(connection: psycopg.Connection[Any], name: str) -> Table:
    table = metadata.tables[f"pyrus.{name}"]
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in (*keys, *OWN)]
    rows = connection.execute(f"SELECT {', '.join(keys + others)} FROM pyrus.{name} WHERE {_THERE}".encode()).fetchall()
    named = ((row[: len(keys)], dict(zip(others, row[len(keys) :], strict=True))) for row in rows)
    return {key: {column: value for column, value in row.items() if value is not None} for key, row in named}


def _plain(value: Any) -> Any:
    """Numbers of JSON are equal whatever their type; days and times are as served."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, date | time) and not isinstance(value, datetime):
        return value.isoformat()
    return Decimal(str(value)) if isinstance(value, float) else value
