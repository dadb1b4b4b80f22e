"""`where`, `page`, `select` and `include` of a list: https://github.com/paymoapp/api/blob/master/sections/filtering.md."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pyrus_etl.sandbox.answers import Refused

Json = dict[str, Any]
Test = Callable[[Json], bool]

CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|>|<|not\s+like\b|like\b|not\s+in\b|in\b)\s*(.*?)\s*", re.IGNORECASE)
AND = re.compile(r"\s+and\s+(?=\w+\s*(?:[=<>!]|not\s|like\s|in\s*\())", re.IGNORECASE)
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def unknown(name: str) -> Refused:
    return Refused("bad_request", about=f"Unknown field or reference: {name}")


def where(text: str, fields: Iterable[str]) -> Test:
    """Whether an object fulfils all conditions. Times are compared in unix seconds."""
    tests = [condition(part, set(fields)) for part in AND.split(text)] if text.strip() else []
    return lambda one: all(test(one) for test in tests)


def condition(text: str, fields: set[str]) -> Test:
    found = CONDITION.fullmatch(text)
    if found is None:
        raise Refused("bad_request", about=f"Invalid where condition: {text.strip()}")
    name, sign, given = found[1], " ".join(found[2].lower().split()), found[3]
    if name not in fields:
        raise unknown(name)
    if sign.endswith("in"):
        among = [comparable(value) for value in given.strip("()").split(",")]
        return lambda one: (comparable(one.get(name)) in among) is (sign == "in")
    if sign.endswith("like"):
        part = given.strip("\"'").strip("%").lower()
        return lambda one: (part in str(one.get(name) or "").lower()) is (sign == "like")
    return compared(name, COMPARED[sign], comparable(given), sign)


def compared(name: str, holds: Callable[[Any, Any], bool], given: Any, sign: str) -> Test:
    def test(one: Json) -> bool:
        value = comparable(one.get(name))
        return holds(value, given) if type(value) is type(given) else sign == "!="

    return test


def comparable(value: Any) -> Any:
    """A number for times, flags and numbers, also if they are written as text; text without quotes otherwise."""
    if value is None or isinstance(value, bool | int):
        return None if value is None else float(value)
    text = str(value).strip().strip("\"'")
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+Z", text):
        return datetime.fromisoformat(text).timestamp()
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def paged(found: list[Json], page: str | None, size: str | None, most: int) -> list[Json]:
    """One page, from page 0; everything without both parameters. A page is never longer than `most`."""
    if page is None and size is None:
        return found
    if page is None or size is None or not page.isdecimal() or not size.isdecimal() or size == "0":
        raise Refused("bad_request", about="Send both page and page_size, as whole numbers.")
    rows = min(int(size), most)
    return found[int(page) * rows : (int(page) + 1) * rows]
