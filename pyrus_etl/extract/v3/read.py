"""Bodies of the restapi → wire structs, which are structs of the model."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client import decode as any_api
from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.v3.dates import Day, Instant, parse_day, parse_instant
from pyrus_etl.extract.v3.fields import files_of, value_of
from pyrus_etl.extract.v3.wire import FormField, Id, TaskBody
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.task import Task

T = TypeVar("T")


def decode(body: bytes, kind: type[T], drop: Callable[[Any], int] | None = None) -> tuple[T, int]:
    """Reads a struct from a `storable` body; also returns the number of unreadable values. See `client.decode`."""
    return any_api.decode(body, kind, read_custom, drop)


def read_stored(body: bytes) -> tuple[Task, int]:
    """Reads the task in a stored body; also returns the number of unreadable values. Raises msgspec.DecodeError."""
    read, unreadable = decode(body, TaskBody)
    return read.task_with_notes, unreadable


def read_custom(kind: type, value: Any) -> Any:
    """Reads the types of the wire structs that JSON does not have."""
    return _CUSTOM[kind](value)


def _form_value(value: Any) -> FormValue:
    """Reads an entry of `Form`: the field, the row, and the value, whose property depends on the field's type."""
    if not isinstance(value, dict):
        raise ValueError(f"expected a form value, got {type(value).__name__}")
    head, unreadable = _head(value)
    field = head.field or FormField()
    properties = value.copy()
    properties.pop("Field", None)
    properties.pop("RowId", None)
    read, unreadable_in_value = value_of(field.type, properties)
    files, unreadable_files = files_of(properties)
    return FormValue(field, head.row_id, read, files, unreadable + unreadable_in_value + unreadable_files)


def _head(value: dict[str, Any]) -> "tuple[_FormValueHead, int]":
    try:
        return msgspec.convert(value, _FormValueHead), 0
    except msgspec.ValidationError:
        return salvage({"Field": value.get("Field"), "RowId": value.get("RowId")}, _FormValueHead)


class _FormValueHead(msgspec.Struct, rename="pascal"):
    field: FormField | None = None
    row_id: Id | None = None


_CUSTOM: dict[type, Callable[[Any], Any]] = {Instant: parse_instant, Day: parse_day, FormValue: _form_value}
