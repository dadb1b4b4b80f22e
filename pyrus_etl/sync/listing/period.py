"""The period of a backfill, from dates as people give them."""

from datetime import UTC, date, datetime, time, timedelta

from pyrus_etl.errors import SettingsError
from pyrus_etl.model.window import Window


def period(start: date | None = None, end: date | None = None) -> Window:
    """Returns the window from `start` to `end`, both included; None leaves that side open.

    A date is the whole day; a datetime is an instant, and both are in UTC without a time zone.
    Raises SettingsError if the start is after the end.
    """
    first, last = _first_second(start), _last_second(end)
    if first is not None and last is not None and first > last:
        raise SettingsError(f"The period from {start} to {end} ends before it begins; give the earlier date first.")
    return Window(first, last)


def _first_second(day: date | None) -> int | None:
    if day is None:
        return None
    instant = day if isinstance(day, datetime) else datetime.combine(day, time.min)
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())


def _last_second(day: date | None) -> int | None:
    if day is None or isinstance(day, datetime):
        return _first_second(day)
    return int((datetime.combine(day, time.min, UTC) + timedelta(days=1)).timestamp()) - 1
