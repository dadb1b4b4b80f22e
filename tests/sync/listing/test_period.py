"""The period of a backfill: a date is a whole day, an instant is itself, and UTC is assumed."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.model.window import Window
from pyrus_etl.sync.listing.period import period

NEW_YEAR = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
NOON = datetime(2024, 1, 1, 12)  # noqa: DTZ001 -- without a time zone


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        (None, None, Window(None, None)),
        (date(2024, 1, 1), None, Window(NEW_YEAR, None)),
        (date(2024, 1, 1), date(2024, 1, 1), Window(NEW_YEAR, NEW_YEAR + 86_399)),
        (NOON, NOON, Window(NEW_YEAR + 43_200, NEW_YEAR + 43_200)),
        (NOON.replace(tzinfo=timezone(timedelta(hours=3))), None, Window(NEW_YEAR + 32_400, None)),
    ],
)
def test_both_ends_belong_to_the_period(start: date | None, end: date | None, window: Window) -> None:
    assert period(start, end) == window


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SettingsError, match="give the earlier date first"):
        period(NOON, NOON - timedelta(seconds=1))
