"""Dates as the restapi writes them: `/Date(milliseconds)/`.

See "Date format" on https://pyrus.com/en/api-v3.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache


class Instant(datetime):
    """A point in time in UTC, years 1 to 9999."""


class Day(date):
    """A calendar day in UTC, years 1 to 9999."""


EPOCH = Instant(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_DATE = re.compile(r"/Date\((-?[0-9]{1,17})(?:[+-][0-9]{4})?\)/")


def parse_instant(text: object) -> Instant:
    """`/Date(ms)/` or `/Date(ms±hhmm)/` → the instant `ms` after the epoch; the offset is only a hint.

    Raises ValueError for anything else, and outside the years 1 to 9999.
    """
    if not isinstance(text, str):
        raise ValueError(f"expected /Date(milliseconds)/, got {text!r}")
    return _instant(text)


@lru_cache(maxsize=4096)  # a date occurs several times in a task
def _instant(text: str) -> Instant:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"expected /Date(milliseconds)/, got {text!r}")
    try:
        return EPOCH + int(match[1]) * _MILLISECOND  # twice as fast as timedelta(milliseconds=…)
    except OverflowError as error:
        raise ValueError(f"{text} is outside the years 1 to 9999") from error


def parse_day(text: object) -> Day:
    """The day, in UTC, of `/Date(ms)/`; ValueError as for `parse_instant`."""
    return _day(parse_instant(text))


@lru_cache(maxsize=4096)  # a day occurs in many tasks
def _day(instant: Instant) -> Day:
    return Day(instant.year, instant.month, instant.day)
