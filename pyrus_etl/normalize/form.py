"""Form values → rows."""

from collections.abc import Iterator
from typing import Any

import msgspec

from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.read import salvage
from pyrus_etl.normalize.fields import value_of
from pyrus_etl.schema.form import Field, Value
from pyrus_etl.schema.rows import Rows

Files = list[Attachment | None] | None


def form_values(rows: Rows, values: list[FormValue | None] | None) -> Iterator[tuple[Any, ...]]:
    """The columns of each value, behind the owner's key; what cannot be read is null, and counted."""
    for value_no, value in enumerate(values or [], start=1):
        if value is None:
            continue
        field = value.field
        rows.unreadable += value.unreadable
        columns = Field(value_no, field.id, value.row_id, field.type, field.name, field.parent_id)
        yield (*columns, *_value(rows, value))


def _value(rows: Rows, value: FormValue) -> Value:
    try:
        return value_of(value.field.type, value.properties, rows)
    except ValueError:  # msgspec.ValidationError is one
        rows.unreadable += 1
        return Value()


def files(rows: Rows, value: FormValue) -> Files:
    """The files of a value of any type; what cannot be read of them is left out and counted."""
    told = value.properties.get("Files")
    if told is None:
        return None
    try:
        read, unreadable = salvage(told, list[Attachment | None])
    except msgspec.ValidationError:
        read, unreadable = [], 1
    rows.unreadable += unreadable
    return read
