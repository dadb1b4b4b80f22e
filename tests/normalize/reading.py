"""From a body to rows without a database: bytes → model → rows, in the form of the oracle."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.extract.v3.read import decode
from pyrus_etl.extract.v3.wire import TaskWithNotes
from pyrus_etl.given import UNSET
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.rows import Rows
from tests.oracle import COLUMNS, Json, Tables, first_difference, plain_json, tables_of

FULL = (Path(__file__).parent / "full_task.json").read_bytes()
"""A task that uses every field type, every structure and every property of the vendor's page."""

FULL_ID = 8100000000001
NOT_FROM_A_BODY = {"inbox_tasks", "organizations", "raw_tasks"}


class Read(NamedTuple):
    """The rows by table, and the number of values that could not be read."""

    tables: Tables
    unreadable: int


class _Answer(msgspec.Struct, rename="pascal"):
    task_with_notes: TaskWithNotes


def read(body: bytes) -> Read:
    """Returns the product's rows for an answer of GetTask."""
    task, unreadable = task_of(body)
    rows = task_rows(task)
    return Read(_tables(rows), rows.unreadable + unreadable)


def task_of(body: bytes) -> tuple[TaskWithNotes, int]:
    """The task in an answer of GetTask, and the number of its values that could not be read."""
    answer, unreadable = decode(storable(body), _Answer)
    return answer.task_with_notes, unreadable


def task_body(**properties: Any) -> bytes:
    """An answer with task 1 of these properties."""
    return encoded({"TaskWithNotes": {"Id": 1, **properties}})


def form_body(**value: Any) -> bytes:
    """An answer with a task whose form has this one value."""
    return task_body(Form=[value])


def encoded(tree: Any) -> bytes:
    """JSON with decimals as numbers; texts that are not UTF-8 are written with escapes."""
    try:
        return msgspec.json.Encoder(decimal_format="number").encode(tree)
    except UnicodeEncodeError:
        return json.dumps(tree, default=float).encode()


def difference_from_oracle(body: bytes) -> str | None:
    """The differences between product and oracle for a body; None if there are none."""
    tree = plain_json(body)["TaskWithNotes"]
    expected, found = tables_of({tree["Id"]: body}, with_contacts=False), read(body).tables
    differences = (
        first_difference(table, expected[table], found[table]) for table in COLUMNS if table not in NOT_FROM_A_BODY
    )
    return next(filter(None, differences), None)


def only_value(body: bytes) -> Json:
    """The columns of the one form value of a task, without those that are null."""
    ((row,),) = (read(body).tables["form_values"].values(),)
    columns = dict(zip(COLUMNS["form_values"][1].split(), row, strict=True))
    return {name: value for name, value in columns.items() if value is not None}


def _tables(rows: Rows) -> Tables:
    tables: Tables = {table: {} for table in COLUMNS}
    gathered = [(table, list(owned)) for table, owned in rows.owned.items()]
    gathered += [(table, list(merged.values())) for table, merged in rows.merged.items()]
    for table, all_of_it in gathered:
        keys, others = (names.split() for names in COLUMNS[table.name])
        columns = written_columns(table)
        for row in all_of_it:
            named = dict(zip(columns, row, strict=True))
            key = tuple(named[name] for name in keys)
            assert key not in tables[table.name], f"{table.name}: two rows for {key}"
            tables[table.name][key] = tuple(_plain(named[name]) for name in others)
    return tables


def _plain(value: Any) -> Any:
    if value is UNSET:
        return None
    return json.loads(value, parse_float=Decimal) if isinstance(value, bytes) else value
