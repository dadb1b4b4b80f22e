"""Form values → rows."""

from collections.abc import Iterator
from typing import Any

import msgspec

from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.read import salvage
from pyrus_etl.normalize.fields import value_of
from pyrus_etl.schema.form import Field, FormFieldRow, Value, form_fields
from pyrus_etl.schema.rows import Rows

Files = list[Attachment | None] | None


def form_values(
    rows: Rows, values: list[FormValue | None] | None, form_id: int | None = None
) -> Iterator[tuple[Any, ...]]:
    """The columns of each value, behind the owner's key; what cannot be read is null, and counted.

    Where the form is known its fields are merged.
    """
    for value_no, value in enumerate(values or [], start=1):
        if value is None:
            continue
        field = value.field
        rows.unreadable += value.unreadable
        if form_id is not None and field.id is not None:
            in_rows = value.row_id is not None
            rows.merge(form_fields, FormFieldRow(form_id, field.id, field.type, field.name, field.parent_id, in_rows))
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
