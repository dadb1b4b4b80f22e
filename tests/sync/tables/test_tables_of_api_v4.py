"""A world read over API v4, from HTTP to every table: what the oracle works out from the same bodies."""

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema import metadata
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.rows import OWNED
from pyrus_etl.settings import Secret
from tests.load.test_api_v4 import ID, TASK
from tests.normalize.reading import encoded
from tests.oracle_v4 import Table, tables_of
from tests.runs import program, sync
from tests.typing import Query

NOT_IN_BODIES = {"detail_at", "deleted_at"}


def test_tables_equal_the_bodies_and_are_rebuilt_from_them(database: Secret, query: Query) -> None:
    world = World(9, tasks=60)
    form_id = next(form_id for ordinal in range(60) if (form_id := world.v4.form_of(ordinal)))
    world.put(ID, encoded({"task": {**TASK, "form_id": form_id}}), api="v4")
    with Sandbox(world, api="v4") as sandbox:
        result = sync(sandbox, database, PYRUS_API="v4")
        bodies = dict(world.v4.bodies())
        assert (result.status, result.counts.values_unreadable) == ("ok", 0)
        assert_stored(database, query, bodies)

    for table in OWNED:
        if table.name != "raw_tasks":
            query(database, f"DELETE FROM {table}")
    assert program("db", "rebuild", database=database).returncode == 0
    assert_stored(database, query, bodies)


def assert_stored(database: Secret, query: Query, bodies: dict[int, bytes]) -> None:
    """Every table that bodies fill has the oracle's rows, and `raw_tasks` the bodies."""
    expected = tables_of(bodies)
    for table in ("tasks", *(each.name for each in OWNED if each.name != "raw_tasks")):
        assert stored(database, query, table) == expected.get(table, {}), table
    raw = query(database, "SELECT task_id, payload::text FROM pyrus.raw_tasks WHERE api = 'v4'")
    assert {task_id: parsed(payload) for task_id, payload in raw} == {id_: parsed(body) for id_, body in bodies.items()}


def stored(database: Secret, query: Query, name: str) -> Table:
    """The rows of a table by key, as the oracle has them: without nulls, with days and times as text."""
    table = metadata.tables[f"pyrus.{name}"]
    keys, columns = [column.name for column in table.primary_key], written_columns(table)
    selected = ", ".join("value_json::text" if each == "value_json" else each for each in columns)
    rows: Table = {}
    for found in query(database, f"SELECT {selected} FROM pyrus.{name}"):
        row = {each: plain(each, value) for each, value in zip(columns, found, strict=True) if value is not None}
        key = tuple(row.pop(each) for each in keys)
        rows[key] = {each: row[each] for each in row if each not in NOT_IN_BODIES}
    return rows


def plain(column: str, value: Any) -> Any:
    if column == "value_json":
        return parsed(value)
    if isinstance(value, time) or (isinstance(value, date) and not isinstance(value, datetime)):
        return value.isoformat()
    return value


def parsed(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)
