"""The server's clock, from the `Date` header of its answers."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

log = logging.getLogger(__name__)


class Clocks(NamedTuple):
    """The same instant by the server's clock and by ours."""

    server: datetime
    ours: datetime

    @property
    def ahead(self) -> timedelta:
        """By how much the server's clock is ahead of ours."""
        return self.server - self.ours


class ServerClock:
    """The server's clock as the answers of one run show it; our clock if none of them has a readable date."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self._opened = Clocks(now, now)
        self._earliest: Clocks | None = None
        self._latest: datetime | None = None
        self._header: str | None = None

    @property
    def now(self) -> datetime:
        """The date of the last answer, to the second."""
        return self._latest or datetime.now(UTC)

    @property
    def start(self) -> Clocks:
        """The earliest date of any answer: the start of the run, even if the clock of a few answers is wrong."""
        return self._earliest or self._opened

    def note(self, header: str) -> datetime:
        """Records the `Date` of an answer, which may be missing or unreadable; returns the server's time."""
        if header != self._header:
            self._header = header
            if (date := _read(header)) is not None:
                self._latest = date
                if self._earliest is None or date < self._earliest.server:
                    self._earliest = Clocks(date, datetime.now(UTC))
        return self.now


def _read(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        log.debug("an answer without a readable Date")
        return None
