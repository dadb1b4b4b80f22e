"""`/Date(ms)/` and its meaning."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrus_etl.extract.v3.dates import parse_day, parse_instant

READABLE = {
    "/Date(0)/": datetime(1970, 1, 1, tzinfo=UTC),
    "/Date(1700000000123)/": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    "/Date(-1)/": datetime(1969, 12, 31, 23, 59, 59, 999000, UTC),
    "/Date(-62135596800000)/": datetime(1, 1, 1, tzinfo=UTC),
    "/Date(253402300799999)/": datetime(9999, 12, 31, 23, 59, 59, 999000, UTC),
    "/Date(1700000000123+0300)/": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    "/Date(1700000000123-1130)/": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    "/Date(-62135596800000+1400)/": datetime(1, 1, 1, tzinfo=UTC),
}
UNREADABLE = [
    "/Date(-62135596800001)/",
    "/Date(253402300800000)/",
    "/Date(99999999999999999999999)/",
    "/Date(1e12)/",
    "/Date(1.5)/",
    "/Date( 1 )/",
    "/Date(+1)/",
    "/Date()/",
    "/Date(NaN)/",
    "/Date(1+03:00)/",
    "/Date(1)",
    "Date(1)",
    "/Date(1)/\n",
    "/Date(١٢٣)/",
    "2023-11-14T22:13:20Z",
    "",
    1700000000123,
    None,
    True,
    [],
]


@pytest.mark.parametrize(("text", "instant"), READABLE.items())
def test_the_milliseconds_are_the_instant_and_the_offset_is_ignored(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize("text", UNREADABLE, ids=repr)
def test_anything_else_and_years_outside_1_to_9999_are_errors(text: object) -> None:
    with pytest.raises(ValueError, match=r"expected /Date|outside the years"):
        parse_instant(text)
    with pytest.raises(ValueError, match=r"expected /Date|outside the years"):
        parse_day(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("/Date(1700006400000)/", date(2023, 11, 15)),
        ("/Date(1700006399999)/", date(2023, 11, 14)),
        ("/Date(1700006399999+0300)/", date(2023, 11, 14)),
        ("/Date(-1)/", date(1969, 12, 31)),
        ("/Date(-62135596800000)/", date(1, 1, 1)),
        ("/Date(253402300799999)/", date(9999, 12, 31)),
    ],
)
def test_a_day_is_the_day_in_utc(text: str, day: date) -> None:
    assert parse_day(text) == day


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_dates_are_exact_to_the_millisecond(instant: datetime) -> None:
    milliseconds = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    assert parse_instant(f"/Date({milliseconds})/") == instant.replace(microsecond=instant.microsecond // 1000 * 1000)
