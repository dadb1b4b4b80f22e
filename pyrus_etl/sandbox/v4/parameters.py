"""The parameters of a request: of its query or of its JSON body, in every spelling that clients use."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.v4 import dates

YES = ("y", "yes", "true", "1")


class Parameters:
    """What was given, by name. Names that nobody asks for are ignored, as the vendor does."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def names(self) -> list[str]:
        return list(self._given)

    def yes(self, name: str) -> bool:
        return str(self._given.get(name)).lower() in YES

    def integer(self, name: str, default: int) -> int:
        value = self._given.get(name)
        if value is None or value == "":
            return default
        return number(value)

    def integers(self, name: str) -> set[int] | None:
        """A list, or text with commas between the numbers; None if it is not given or empty."""
        value = self._given.get(name)
        if value is None or value == "" or value == []:
            return None
        parts = value if isinstance(value, list) else str(value).split(",")
        return {number(part) for part in parts}

    def text(self, name: str) -> str | None:
        value = self._given.get(name)
        return None if value is None or value == "" else str(value)

    def period(self, name: str) -> tuple[int | None, int | None]:
        """`…_after` and `…_before`, both inclusive, in milliseconds since 1970."""
        after, before = self.text(f"{name}_after"), self.text(f"{name}_before")
        return (dates.given(after) if after else None, dates.given(before) if before else None)


def number(value: Any) -> int:
    text = str(value).strip()
    if not text.removeprefix("-").isdecimal():
        raise Refused("BadFormatInteger")
    return int(text)


async def of_request(request: web.BaseRequest) -> Parameters:
    """Of a POST its JSON body, of a GET its query."""
    if request.method != "POST":
        return Parameters(dict(request.query))
    try:
        given = msgspec.json.decode(await request.read() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("BadFormat") from None
    if not isinstance(given, dict):
        raise Refused("BadFormat")
    return Parameters(dict(request.query) | given)
