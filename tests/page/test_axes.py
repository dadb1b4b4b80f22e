"""Days, weeks and months, counted back."""

from datetime import date, timedelta

import pytest

from pyrus_etl.reports.page.axes import PERIODS, axes


@pytest.mark.parametrize("today", [date(2026, 3, 16), date(2024, 2, 29), date(2026, 1, 1), date(2025, 12, 28)])
def test_axes_have_no_gaps_and_end_now(today: date) -> None:
    found = axes(today)

    assert found.days == [today - timedelta(days=back) for back in range(90, -1, -1)]
    assert found.weeks[-1] <= today < found.weeks[-1] + timedelta(days=7)
    assert {week.weekday() for week in found.weeks} == {0}
    assert {later - sooner for sooner, later in zip(found.weeks, found.weeks[1:], strict=False)} == {timedelta(days=7)}
    assert found.months[-1] == today.replace(day=1)
    assert len(found.months) == len(set(found.months)) in {23, 24}
    assert found.week_ends[-1] == today
    assert found.week_ends == sorted(set(found.week_ends))


def test_months_and_weeks_are_whole_or_still_going_on() -> None:
    found = axes(date(2026, 3, 16))

    assert found.months[0] == date(2024, 4, 1)
    assert found.last_weeks[0] == date(2025, 12, 22)
    assert found.weeks[0] == found.weeks[-1] - timedelta(days=PERIODS[-1] // 7 * 7)
