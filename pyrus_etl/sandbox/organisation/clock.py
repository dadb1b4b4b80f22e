"""The organisation's own time, in milliseconds since 1970: moved by `advance` only, or running with real time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock:
    """A clock that moves only by `advance`; a running one also follows real time.

    `skew` is by how many seconds the `Date` header of an answer is ahead of the dates in tasks.
    """

    def __init__(self, start: datetime, *, running: bool = False, skew: float = 0.0) -> None:
        self.running = running
        self.skew = skew
        self._time = milliseconds(start)
        self._origin = time.monotonic()

    def now(self) -> int:
        """The current instant, in milliseconds since 1970."""
        elapsed = time.monotonic() - self._origin if self.running else 0.0
        return self._time + int(elapsed * SECOND)

    def advance(self, seconds: float) -> int:
        """Moves the clock forward and returns the new instant."""
        self._time += int(seconds * SECOND)
        return self.now()

    def header(self) -> str:
        """The value of the server's `Date` header."""
        return http_date((self.now() + int(self.skew * SECOND)) // SECOND)


def milliseconds(instant: datetime) -> int:
    """An aware datetime as milliseconds since 1970."""
    return int(instant.astimezone(UTC).timestamp()) * SECOND + instant.microsecond // 1000


def moment(instant: int) -> datetime:
    """Milliseconds since 1970 as a datetime in UTC, to the second."""
    return datetime.fromtimestamp(instant // SECOND, UTC)


@lru_cache(maxsize=4)
def http_date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)


def wire(instant: int) -> str:
    """A date as the vendor's API writes it: `/Date(1198908717056)/` (https://pyrus.com/en/api-v3)."""
    return f"/Date({instant})/"


def midnight(instant: int) -> int:
    """The first millisecond of the instant's day in UTC."""
    return instant - instant % DAY
