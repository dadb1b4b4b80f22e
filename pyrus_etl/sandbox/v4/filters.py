"""The filters of a register by step and by the value of a field: `steps`, `fld<ID>`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from pyrus_etl.sandbox.v4.parameters import Parameters

Json = dict[str, Any]
Test = Callable[[Json], bool]

NAME = re.compile(r"fld(\d+)")
IDS = ("item_id", "item_ids", "id", "choice_ids", "task_ids")
"""Where a value that is an object has what a filter names."""


def row_test(given: Parameters) -> Test | None:
    """Whether a row meets all filters by step and field; None if there are none. Names of fields are ignored."""
    steps = given.integers("steps")
    wanted = {int(found[1]): given.text(name) for name in given.names() if (found := NAME.fullmatch(name))}
    tests = [_field_test(field_id, operator) for field_id, operator in wanted.items() if operator]
    if steps is not None:
        tests.append(lambda row: row.get("current_step") in steps)
    return (lambda row: all(test(row) for test in tests)) if tests else None


def matches(row: bytes, test: Test) -> bool:
    return test(msgspec.json.decode(row))


def _field_test(field_id: int, operator: str) -> Test:
    """`x`, `a,b`, `gt10`, `lt10`, `gt1,lt9`, `empty`, `*`."""
    if operator in ("empty", "*"):
        return lambda row: (not any(True for _ in _values(row, field_id))) is (operator == "empty")
    parts = [part.strip() for part in operator.split(",")]
    bounds = [part for part in parts if part.startswith(("gt", "lt"))]
    exact = {part for part in parts if part not in bounds}

    def meets(row: Json) -> bool:
        found = [one for value in _values(row, field_id) for one in _texts(value)]
        return any((not exact or one in exact) and all(_is_within(one, bound) for bound in bounds) for one in found)

    return meets


def _values(row: Json, field_id: int) -> Iterator[Any]:
    """The values of a field, at any depth."""
    for field in row.get("fields") or ():
        value = field.get("value")
        if field.get("id") == field_id:
            yield value
        if isinstance(value, dict):
            yield from _values(value, field_id)
        if isinstance(value, list):
            for each in value:
                cells = each.get("cells") if isinstance(each, dict) else None
                yield from _values({"fields": cells or ()}, field_id)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from (text for name in IDS if name in value for text in _texts(value[name]))
        case list():
            yield from (text for each in value for text in _texts(each))
        case _:
            yield str(value)


def _is_within(text: str, bound: str) -> bool:
    """Whether a number or a date is above `gt…` or below `lt…`."""
    limit = bound[2:]
    try:
        order = Decimal(text).compare(Decimal(limit))
    except InvalidOperation:
        order = Decimal((text > limit) - (text < limit))
    return order > 0 if bound.startswith("gt") else order < 0
