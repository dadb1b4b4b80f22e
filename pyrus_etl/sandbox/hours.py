"""Working time: from seven to five, UTC, Monday to Friday. New tasks appear in it, evenly."""

from __future__ import annotations

from .clock import DAY, HOUR

MONDAY = 4 * DAY  # the first of this epoch
WEEK = 7 * DAY
OPENING, SHIFT = 7 * HOUR, 10 * HOUR


def worked(instant: int) -> int:
    """Working milliseconds until an instant."""
    weeks, rest = divmod(instant - MONDAY, WEEK)
    days, clock = divmod(rest, DAY)
    if days >= 5:
        return (weeks + 1) * 5 * SHIFT
    return (weeks * 5 + days) * SHIFT + min(max(clock - OPENING, 0), SHIFT)


def instant(work: int) -> int:
    """The instant at which so many working milliseconds are over."""
    days, clock = divmod(work, SHIFT)
    weeks, day = divmod(days, 5)
    return MONDAY + weeks * WEEK + day * DAY + OPENING + clock
