"""Seconds since 1970 as the parameters of API v4 write them."""

from datetime import UTC, datetime

from pyrus_etl.model.window import YEAR_1, YEAR_9999


def moment(second: int) -> str:
    """A second since 1970 as the API writes it; the years 1 and 9999 are the limits."""
    bounded = min(max(second, YEAR_1), YEAR_9999)
    return f"{datetime.fromtimestamp(bounded, UTC).replace(tzinfo=None).isoformat()}Z"
