"""The days, weeks and months on the page, counted back from today."""

from datetime import date, timedelta

import msgspec

PERIODS = (30, 90, 365, 730)
"""The periods of the filter, in days. Up to the second, flow is shown by day and cycle times by week."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


class Axes(msgspec.Struct, frozen=True):
    """Dates, the oldest first. `weeks` are Mondays, `months` are first days; this week and month are the last.

    Cycle times are shown by week for `last_weeks`, and by month for longer periods.
    """

    days: list[date]
    week_ends: list[date]
    weeks: list[date]
    months: list[date]
    last_weeks: list[date]


def axes(today: date) -> Axes:
    """Returns the axes of a page made today. Each period starts with a point before its first day, to count from."""
    days = [today - _DAY * back for back in range(PERIODS[1], -1, -1)]
    monday = today - _DAY * today.weekday()
    weeks = [monday - _WEEK * back for back in range(PERIODS[-1] // 7, -1, -1)]
    ends = [week - _DAY for week in weeks]
    start = today - _DAY * PERIODS[-1]
    months = [date(month // 12, month % 12 + 1, 1) for month in range(*_months(start, today))]
    return Axes(
        days=days,
        week_ends=ends if ends[-1] == today else [*ends, today],
        weeks=weeks,
        months=[month for month in months if month > start],
        last_weeks=[week for week in weeks if week > days[0]],
    )


def _months(start: date, end: date) -> tuple[int, int]:
    """Returns the months from start to end as a range of numbers since the year 0."""
    return start.year * 12 + start.month - 1, end.year * 12 + end.month
