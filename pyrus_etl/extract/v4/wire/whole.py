"""Whole numbers that the API may serve as text."""

import re
from decimal import Decimal
from typing import Any

_DIGITS = re.compile(r"\s*-?\d{1,19}\s*", re.ASCII)


class Whole(int):
    """A whole number, perhaps served as text; it fits PostgreSQL's bigint."""


def read_whole(value: Any) -> Whole:
    """Raises ValueError if it is none."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, Decimal) and value.adjusted() < 19 and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError(f"expected a whole number, got {value!r:.50}")
    return Whole(value)


def only_whole(kind: type, value: Any) -> Any:
    """A `dec_hook` of msgspec for structs that have this type alone of those that JSON does not have."""
    assert kind is Whole
    return read_whole(value)
