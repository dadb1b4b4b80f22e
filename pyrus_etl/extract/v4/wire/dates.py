"""Dates as API v4 writes them: ISO 8601, as `2026-02-05T10:06:21Z`, `2026-02-05` or `17:26`, all in UTC.

See "General format" on https://pyrus.com/en/help/api. Fractions of a second, other offsets and a small z occur too.
"""

import re
from datetime import UTC, date, datetime, time
from functools import lru_cache


class Instant(datetime):
    """A point in time in UTC, years 1 to 9999."""


class Day(date):
    """A calendar day in UTC, years 1 to 9999."""


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\dZ", re.ASCII)
_INSTANT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d(:\d\d([.,]\d+)?)?)\ ?(?P<offset>[Zz]|[+-]\d\d(:?\d\d)?)?",
    re.ASCII,
)
_TIME = re.compile(r"(?P<hour>\d\d?):(?P<rest>\d\d(:\d\d([.,]\d+)?)?)[Zz]?", re.ASCII)


def parse_instant(text: object) -> Instant:
    """An instant; a day alone is its midnight, and a time without an offset is in UTC.

    Raises ValueError for anything else, and outside the years 1 to 9999.
    """
    if not isinstance(text, str):
        raise ValueError(f"expected an ISO 8601 date, got {text!r}")
    return _instant(text)


@lru_cache(maxsize=4096)  # a date occurs several times in a task, and a day in many tasks
def _instant(text: str) -> Instant:
    if _USUAL.fullmatch(text):
        return Instant.fromisoformat(text)
    match = _INSTANT.fullmatch(text)
    if match is None:
        day = parse_day(text)
        return Instant(day.year, day.month, day.day, tzinfo=UTC)
    if match["time"].startswith("24"):  # newer versions of Python accept it
        raise ValueError(f"{text} has no such hour")
    offset = "+00:00" if match["offset"] in (None, "Z", "z") else match["offset"]
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['time']}{offset}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is outside the years 1 to 9999") from error
    return Instant.combine(moment.date(), moment.time(), UTC)


def parse_day(text: object) -> Day:
    """A day; of an instant, its day in UTC. ValueError as for `parse_instant`."""
    if not isinstance(text, str):
        raise ValueError(f"expected an ISO 8601 date, got {text!r}")
    if _DAY.fullmatch(text):
        return Day.fromisoformat(text)
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"expected an ISO 8601 date, got {text!r}")
    return day_of(_instant(text))


def day_of(instant: datetime) -> Day:
    """The UTC day of an instant in UTC."""
    return Day(instant.year, instant.month, instant.day)


def parse_time(text: object) -> time:
    """A time of day. Raises ValueError for anything else, `24:00` too."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match["hour"]) > 23:
        raise ValueError(f"expected a time as HH:mm, got {text!r}")
    return time.fromisoformat(f"{match['hour']:0>2}:{match['rest']}")
