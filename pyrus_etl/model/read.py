"""Plain JSON → structs, losing nothing that can be read.

A value that does not fit its property is taken out and counted, and the rest is read without it.
"""

import re
from collections.abc import Callable
from functools import reduce
from operator import getitem
from typing import Any, TypeVar

import msgspec

from pyrus_etl.model.form import FormField, FormValue
from pyrus_etl.model.values import Day, Id, Instant, parse_day, parse_instant

T = TypeVar("T")

MOST_UNREADABLE = 5000
"""What has more unreadable values than this is refused as a whole."""

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def salvage(tree: Any, kind: type[T]) -> tuple[T, int]:
    """The struct in plain JSON, and how many values were taken out of it because the struct cannot hold them.

    Raises msgspec.ValidationError, with the first complaint, where no struct is left.
    """
    try:
        return msgspec.convert(tree, kind, dec_hook=read_custom), 0
    except msgspec.ValidationError as error:
        first = complaint = error
    for unreadable in range(1, MOST_UNREADABLE):
        if not _take_out(tree, str(complaint)):
            break
        try:
            return msgspec.convert(tree, kind, dec_hook=read_custom), unreadable
        except msgspec.ValidationError as error:
            complaint = error
    raise first


def _take_out(tree: Any, complaint: str) -> bool:
    """Sets the value that the complaint names to null, or what holds it where it is null already.

    False where nothing is left that could be taken out.
    """
    place = _PLACE.search(complaint)
    steps: list[Any] = [name or int(index) for name, index in _STEP.findall(place["path"])] if place else []
    while steps:
        *above, last = steps
        holder = reduce(getitem, above, tree)
        if holder[last] is not None:
            holder[last] = None
            return True
        steps = above
    return False


def read_custom(kind: type, value: Any) -> Any:
    """msgspec's hook for the types that JSON does not have; msgspec adds the place to a ValueError."""
    return _CUSTOM[kind](value)


def _form_value(value: Any) -> FormValue:
    if not isinstance(value, dict):
        raise ValueError(f"expected a form value, got {type(value).__name__}")
    head, unreadable = _head(value)
    properties = value.copy()
    properties.pop("Field", None)
    properties.pop("RowId", None)
    return FormValue(head.field or FormField(), head.row_id, properties, unreadable)


def _head(value: dict[str, Any]) -> "tuple[_FormValueHead, int]":
    try:
        return msgspec.convert(value, _FormValueHead), 0
    except msgspec.ValidationError:
        field = value.get("Field")  # in a copy: the value may be read again with its task
        told = {"Field": dict(field) if isinstance(field, dict) else field, "RowId": value.get("RowId")}
        return salvage(told, _FormValueHead)


class _FormValueHead(msgspec.Struct, rename="pascal"):
    field: FormField | None = None
    row_id: Id | None = None


_CUSTOM: dict[type, Callable[[Any], Any]] = {Instant: parse_instant, Day: parse_day, FormValue: _form_value}
