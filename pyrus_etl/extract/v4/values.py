"""The fields of a form as served, nested in each other → its values in one sequence, depth first."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.v4.directory_wire import Id
from pyrus_etl.extract.v4.fields import Served, contents, value_of
from pyrus_etl.extract.v4.words import field_type
from pyrus_etl.model.form import FormField, FormValue, FormValues


class Field(msgspec.Struct, gc=False):
    """A field of a form with its value, whose shape depends on the type."""

    id: Id | None = None
    type: str | None = None
    name: str | None = None
    parent_id: Id | None = None
    row_id: Id | None = None
    value: Any = None
    duration: Any = None


class _Inside(NamedTuple):
    """Where a field is: in another field, and in a row of a table."""

    field_id: int | None = None
    row_id: int | None = None


def read_values(served: Any) -> FormValues:
    """The fields that have a value: a field, then those in it. Raises ValueError if the value is no array."""
    if not isinstance(served, list):
        raise ValueError(f"expected an array of fields, got {type(served).__name__}")
    values = FormValues()
    values.extend(_depth_first(served, _Inside(), values))
    return values


def _depth_first(served: Any, inside: _Inside, all_values: FormValues) -> Iterator[FormValue]:
    """Yields the values; what is not a field is counted in `all_values`."""
    fields, unreadable = _fields(served)
    all_values.unreadable += unreadable
    for field in fields:
        if field is None or field.value is None:
            continue
        value = _value(field, inside)
        yield value
        for nested, row_id in contents(value.field.type, field.value):
            if nested is not None:
                row = _row_id(row_id, inside.row_id if value.row_id is None else value.row_id)
                yield from _depth_first(nested, _Inside(field.id, row), all_values)


def _fields(served: Any) -> tuple[list[Field | None], int]:
    try:
        return salvage(served, list[Field | None])
    except msgspec.ValidationError:
        return [], 1


def _value(field: Field, inside: _Inside) -> FormValue:
    parent_id = inside.field_id if field.parent_id is None else field.parent_id
    row_id = field.row_id if inside.row_id is None else inside.row_id
    kind = field_type(field.type)
    served = Served(field.value, field.duration)
    read = value_of(kind, served)
    return FormValue(FormField(field.id, kind, field.name, parent_id), row_id, read, served.files, served.unreadable)


def _row_id(served: Any, outer: int | None) -> int | None:
    """The id of a table's row, or else of the row that the table is in."""
    try:
        own: int | None = msgspec.convert(served, Id | None)
    except msgspec.ValidationError:
        own = None
    return outer if own is None else own
