"""The fields of a form as served, nested in each other → its values in one sequence, depth first."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pyrus_etl.extract.v4.wire.arrays import structs
from pyrus_etl.extract.v4.wire.directory import Id
from pyrus_etl.extract.v4.wire.fields import contents, kind_of, read_value
from pyrus_etl.extract.v4.wire.form import Field
from pyrus_etl.model.form import FormField, FormValue, FormValues


def values_of(fields: Sequence[Field | None]) -> FormValues:
    """The fields that have a value: a field, then those in it."""
    values = FormValues()
    _add(values, fields, None, None)
    return values


def _add(values: FormValues, fields: Sequence[Field | None], parent_id: int | None, row_id: int | None) -> None:
    """Adds the values of fields that are in another field, and in a row of a table."""
    for field in fields:
        if field is None or field.value is None:
            continue
        kind = kind_of(field.type)
        inside = parent_id if field.parent_id is None else field.parent_id
        value = FormValue(
            FormField(field.id, kind.type, field.name, inside), field.row_id if row_id is None else row_id
        )
        read_value(kind, field, value)
        values.append(value)
        if kind.has_contents:
            _add_contents(values, field, value)


def _add_contents(values: FormValues, field: Field, value: FormValue) -> None:
    """Adds the values of the fields in a value; counts what is not a field."""
    for nested, own_row_id in contents(field):
        fields, unreadable = _fields(nested)
        values.unreadable += unreadable
        _add(values, fields, field.id, _row_id(own_row_id, value.row_id))


def _fields(served: Any) -> tuple[Sequence[Field | None], int]:
    if served is None:
        return (), 0
    try:
        return structs(served, Field)
    except msgspec.ValidationError:
        return (), 1


def _row_id(served: Any, outer: int | None) -> int | None:
    """The id of a table's row, or else of the row that the table is in."""
    try:
        return outer if served is None else msgspec.convert(served, Id)
    except msgspec.ValidationError:
        return outer
