"""Working time: 07:00 to 17:00 UTC, Monday to Friday. New tasks are spread evenly over it."""

from __future__ import annotations

from pyrus_etl.sandbox.organisation.clock import DAY, HOUR

MONDAY = 4 * DAY  # the first Monday since 1970-01-01, a Thursday
WEEK = 7 * DAY
OPENING, SHIFT = 7 * HOUR, 10 * HOUR


def worked(instant: int) -> int:
    """Working milliseconds from `MONDAY` to an instant."""
    weeks, rest = divmod(instant - MONDAY, WEEK)
    days, clock = divmod(rest, DAY)
    if days >= 5:
        return (weeks + 1) * 5 * SHIFT
    return (weeks * 5 + days) * SHIFT + min(max(clock - OPENING, 0), SHIFT)


def instant(work: int) -> int:
    """The instant that is `work` working milliseconds after `MONDAY`."""
    days, clock = divmod(work, SHIFT)
    weeks, day = divmod(days, 5)
    return MONDAY + weeks * WEEK + day * DAY + OPENING + clock
