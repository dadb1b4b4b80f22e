"""The fields of a form as served, nested in each other → its values in one sequence, depth first."""

from typing import Any

import msgspec

from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.v4.directory_wire import Id
from pyrus_etl.extract.v4.fields import WITH_CONTENTS, Served, contents, value_of
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


def read_values(served: Any) -> FormValues:
    """The fields that have a value: a field, then those in it. Raises ValueError if the value is not an array."""
    if not isinstance(served, list):
        raise ValueError(f"expected an array of fields, got {type(served).__name__}")
    values = FormValues()
    _add(values, served, None, None)
    return values


def _add(values: FormValues, served: Any, parent_id: int | None, row_id: int | None) -> None:
    """Adds the values of fields that are in another field, and in a row of a table; counts what is not a field."""
    fields, unreadable = _fields(served)
    values.unreadable += unreadable
    for field in fields:
        if field is None or field.value is None:
            continue
        value = _value(field, parent_id, row_id)
        values.append(value)
        if value.field.type in WITH_CONTENTS:
            for nested, own_row_id in contents(value.field.type, field.value):
                _add(values, nested, field.id, _row_id(own_row_id, value.row_id))


def _fields(served: Any) -> tuple[list[Field | None], int]:
    if served is None:
        return [], 0
    try:
        return salvage(served, list[Field | None])
    except msgspec.ValidationError:
        return [], 1


def _value(field: Field, parent_id: int | None, row_id: int | None) -> FormValue:
    kind = field_type(field.type)
    served = Served(field.value, field.duration)
    read = value_of(kind, served)
    form_field = FormField(field.id, kind, field.name, parent_id if field.parent_id is None else field.parent_id)
    row_id = field.row_id if row_id is None else row_id
    return FormValue(form_field, row_id, read, served.files, served.unreadable)


def _row_id(served: Any, outer: int | None) -> int | None:
    """The id of a table's row, or else of the row that the table is in."""
    try:
        return outer if served is None else msgspec.convert(served, Id)
    except msgspec.ValidationError:
        return outer
