"""Dates as API v4 writes and reads them: `2026-03-02T09:00:00Z`, `2026-03-02`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.clock import SECOND

WIRE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)?)?")


@lru_cache(maxsize=8192)
def iso(second: int) -> str:
    """Seconds since 1970 as a date with a time, in UTC."""
    return datetime.fromtimestamp(second, UTC).isoformat()[:19] + "Z"


def moment(instant: int) -> str:
    """Milliseconds since 1970 as a date with a time; API v4 writes no fraction of a second."""
    return iso(instant // SECOND)


def instant(wired: str) -> int:
    """The milliseconds of a date of API v3."""
    found = WIRE.fullmatch(wired)
    if found is None:
        raise ValueError(f"{wired!r} is not a date of API v3")
    return int(found[1])


def given(text: str) -> int:
    """A date parameter as milliseconds since 1970; a day alone is its midnight."""
    if not MOMENT.fullmatch(text):
        raise Refused("BadFormatDate")
    try:
        parsed = datetime.fromisoformat(text.upper())
    except ValueError:
        raise Refused("BadFormatDate") from None
    parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return int(parsed.timestamp()) * SECOND
