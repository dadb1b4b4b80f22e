"""JSON bytes → model, losing nothing that can be read.

A value that does not fit its property is taken out and counted, and the rest is read without it; only a body that is no
JSON, or that lacks what it must have, is refused.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

from pyrus_etl.model.form import FormField, FormValue
from pyrus_etl.model.values import Day, Id, Instant, parse_day, parse_instant

T = TypeVar("T")

MOST_UNREADABLE = 1000
"""A body with more unreadable values than this is refused as a whole."""

_ESCAPE = re.compile(
    rb"""\\(?: u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}  # a pair of surrogates is one character
          | (?P<unstorable>u0000 | u[dD][89a-fA-F][0-9a-fA-F]{2})
          | . )""",
    re.VERBOSE | re.DOTALL,
)
_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def storable(body: bytes) -> bytes:
    """The JSON text with U+FFFD wherever an escape means U+0000 or a lone surrogate, and for bytes that are no UTF-8.

    PostgreSQL holds none of them, neither in text nor in jsonb (its manual, 8.14).
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        body = body.decode(errors="replace").encode()
    if not _UNSTORABLE.search(body):
        return body
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape["unstorable"] else escape[0], body)


def decode(body: bytes, kind: type[T]) -> tuple[T, int]:
    """The struct in a `storable` body, and how many values in it could not be read.

    Raises msgspec.ValidationError where JSON holds no such struct, another msgspec.DecodeError where it is no JSON.
    """
    try:
        try:
            return _decoder(kind).decode(body), 0  # type: ignore[arg-type] # mypy: a type[T] is not seen to be hashable
        except msgspec.ValidationError:
            return salvage(_plain.decode(body), kind)
    except RecursionError as error:
        raise msgspec.ValidationError("JSON is nested too deeply") from error


def salvage(tree: Any, kind: type[T]) -> tuple[T, int]:
    """The struct in plain JSON, and how many values were taken out because the struct cannot hold them."""
    unreadable = 0
    while True:
        try:
            return msgspec.convert(tree, kind, dec_hook=_custom), unreadable
        except msgspec.ValidationError as error:
            unreadable += 1
            if unreadable > MOST_UNREADABLE or not _take_out(tree, str(error)):
                raise


def _take_out(tree: Any, complaint: str) -> bool:
    """Sets the value that the complaint names to null; False where that is no help."""
    place = _PLACE.search(complaint)
    steps: list[Any] = [name or int(index) for name, index in _STEP.findall(place["path"])] if place else [None]
    for step in steps[:-1]:
        tree = tree[step]
    if steps[-1] is None or tree[steps[-1]] is None:
        return False
    tree[steps[-1]] = None
    return True


def _custom(kind: type, value: Any) -> Any:
    """Reads the types that JSON does not have; msgspec adds the place to a ValueError."""
    return _CUSTOM[kind](value)


def _form_value(value: Any) -> FormValue:
    if not isinstance(value, dict):
        raise ValueError(f"expected a form value, got {type(value).__name__}")
    properties = dict(value)
    head, unreadable = salvage({name: properties.pop(name, None) for name in ("Field", "RowId")}, _FormValueHead)
    return FormValue(head.field or FormField(), head.row_id, properties, unreadable)


class _FormValueHead(msgspec.Struct, rename="pascal"):
    field: FormField | None = None
    row_id: Id | None = None


_CUSTOM: dict[type, Callable[[Any], Any]] = {Instant: parse_instant, Day: parse_day, FormValue: _form_value}
_plain = msgspec.json.Decoder(float_hook=Decimal)


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind, dec_hook=_custom, float_hook=Decimal)
