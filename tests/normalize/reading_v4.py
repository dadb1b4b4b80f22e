"""From a body of API v4 to rows without a database."""

import json
from typing import Any, NamedTuple

from pyrus_etl.client.decode import damage, storable
from pyrus_etl.extract.v4.wire.read import read_stored
from pyrus_etl.model.task import Task
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.rows import Rows
from tests.oracle import Json


class Read(NamedTuple):
    """The rows by table, without the columns that are null, and the number of values that could not be read."""

    tables: dict[str, list[Json]]
    unreadable: int


def read(**task: Any) -> Read:
    """Returns the rows of task 1 with these properties."""
    return read_body(task_body(**task))


def read_body(body: bytes) -> Read:
    """Returns the rows of an answer to GetTask."""
    _, task, unreadable = read_task(body)
    rows = rows_of(task)
    return rows._replace(unreadable=rows.unreadable + unreadable)


def read_task(body: bytes) -> tuple[bytes, Task, int]:
    """Reads an answer to GetTask: the body as it can be stored, the task, and the number of unreadable values."""
    stored = storable(body)
    task, unreadable = read_stored(stored)
    return stored, task, unreadable + damage(body, stored)


def rows_of(task: Task) -> Read:
    """Returns the rows of a task, in full or in part."""
    rows = task_rows(task)
    return Read(_tables(rows), rows.unreadable)


def task_body(**task: Any) -> bytes:
    return json.dumps({"task": {"id": 1, **task}}).encode()


def only_value(**field: Any) -> tuple[Json, int]:
    """Returns the value columns of the only form value that is served, and how many values could not be read."""
    found = read(fields=[{"id": 1, "name": "it", **field}])
    (value,) = found.tables["form_values"]
    return {name: each for name, each in value.items() if name.startswith("value_") and name != "value_no"}, (
        found.unreadable
    )


def _tables(rows: Rows) -> dict[str, list[Json]]:
    tables = {table: list(found) for table, found in rows.owned.items()}
    tables |= {table: list(found.values()) for table, found in rows.merged.items()}
    return {
        table.name: [_given(dict(zip(written_columns(table), row, strict=True))) for row in found]
        for table, found in tables.items()
    }


def _given(row: Json) -> Json:
    """The columns with a value; JSON as plain data."""
    return {
        name: json.loads(value) if isinstance(value, bytes) else value
        for name, value in row.items()
        if value is not None and repr(value) != "UNSET"
    }
