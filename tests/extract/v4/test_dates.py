"""Dates of API v4: ISO 8601 in several shapes → instants, days and times in UTC."""

from datetime import UTC, date, datetime, time

import pytest

from pyrus_etl.extract.v4.wire.dates import parse_day, parse_instant, parse_time

INSTANTS = {
    "2017-08-17T15:32:11Z": datetime(2017, 8, 17, 15, 32, 11, tzinfo=UTC),
    "2017-08-17T15:32:11z": datetime(2017, 8, 17, 15, 32, 11, tzinfo=UTC),
    "2017-08-17T15:32:11": datetime(2017, 8, 17, 15, 32, 11, tzinfo=UTC),
    "2017-08-17 15:32": datetime(2017, 8, 17, 15, 32, tzinfo=UTC),
    "2017-08-17T15:32:11.5Z": datetime(2017, 8, 17, 15, 32, 11, 500000, tzinfo=UTC),
    "2017-08-17T15:32:11,1234567Z": datetime(2017, 8, 17, 15, 32, 11, 123456, tzinfo=UTC),
    "2017-08-17T23:32:11-05:00": datetime(2017, 8, 18, 4, 32, 11, tzinfo=UTC),
    "2017-08-17T01:02:03+0300": datetime(2017, 8, 16, 22, 2, 3, tzinfo=UTC),
    "2017-08-17T01:02:03+03": datetime(2017, 8, 16, 22, 2, 3, tzinfo=UTC),
    "2017-08-17": datetime(2017, 8, 17, tzinfo=UTC),
    "0001-01-01T00:00:00Z": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59Z": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
}
NO_INSTANTS = (
    *("", "now", "2017-08-17T24:00:00Z", "2017-02-29T00:00:00Z", "2017-08-17T15:32:60Z", "20170817T153211Z", 5, None),
    *("2017-W33-4", "0000-01-01", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"),
    *("٢٠١٧-08-17", "2017-08-17T15:32:11Z ", "/Date(0)/"),
)


@pytest.mark.parametrize(("text", "instant"), INSTANTS.items())
def test_an_instant_is_in_utc_and_keeps_fractions(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_day(text) == instant.date()


@pytest.mark.parametrize("text", NO_INSTANTS, ids=repr)
def test_anything_else_is_no_instant_and_no_day(text: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)
    with pytest.raises(ValueError, match=r".+"):
        parse_day(text)


def test_a_day_is_a_day() -> None:
    assert parse_day("2024-02-29") == date(2024, 2, 29)


def test_a_time_of_day_has_hours_and_minutes_and_perhaps_more() -> None:
    times = ["00:00", "7:05", "23:59", "12:30:15", "12:30:15.25"]

    assert [parse_time(text) for text in times] == [
        *(time(0, 0), time(7, 5), time(23, 59), time(12, 30, 15), time(12, 30, 15, 250000)),
    ]


@pytest.mark.parametrize("text", ["24:00", "12:60", "12", "", "1:2", 5, None], ids=repr)
def test_anything_else_is_no_time(text: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)
