"""Waits for the quota: whose quota, until when, and how long the server may make us wait."""

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.settings import Retry
from pyrus_etl.settings.retry import QUOTA

log = logging.getLogger(__name__)

LONGEST = 3600.0
"""Seconds in total that the server may make us wait; see `Hold`."""
EARNED = 4.0
"""Seconds that a good answer adds to the rest of them: so a quota of 900 requests an hour never ends a run."""
OURS = "the quota"
WORTH_A_LINE = 30.0
"""Seconds; a longer wait is announced."""


class Wait(NamedTuple):
    """A wait for a quota: its end, `whose` quota it is, and the reason of its end if that needs explaining."""

    until: datetime
    whose: str
    why: str = ""

    @property
    def brief(self) -> str:
        day = f"{self.until:%Y-%m-%d} " if self.until.date() != datetime.now(UTC).date() else ""
        return f"waits for {self.whose} until {day}{self.until:%H:%M:%S} UTC"

    def __str__(self) -> str:
        return f"{self.brief} ({self.why})" if self.why else self.brief


Announce = Callable[[Wait], None]


def wait_until(instant: float, whose: str, why: str = "") -> Wait:
    """A wait until an instant of the monotonic clock."""
    return Wait(datetime.now(UTC) + timedelta(seconds=max(0.0, instant - time.monotonic())), whose, why)


def log_wait(wait: Wait, text: str = "") -> None:
    """Logs a wait; as a warning unless it is for our own quota."""
    log.log(logging.INFO if wait.whose == OURS else logging.WARNING, "%s", text or wait)


class Hold:
    """Holds back all requests before `until` (monotonic clock), because the server said that its quota is spent.

    The server may make us wait for an hour in total. Good answers in between earn that time back, so a run that makes
    progress may go on forever. After a wait was cut short, a longer one is obeyed only if enough time was earned. It
    waits by `guess` if the server does not say for how long.
    """

    def __init__(self, announce: Announce = log_wait, guess: Retry = QUOTA, service: str = "the server") -> None:
        self.announce = announce
        self._guess = guess
        self._service = service
        self.until = 0.0
        self._why = ""
        self._left = LONGEST
        self._cut_short = False
        self._guesses = 0
        self._announced = 0.0

    @property
    def wait(self) -> Wait:
        return wait_until(self.until, f"{self._service}'s quota", self._why)

    def answered(self, exhausted: float) -> None:
        """Called after a good answer; `exhausted`: seconds for which it says that no request is left."""
        self._guesses = 0
        self._left = min(LONGEST, self._left + EARNED)
        if exhausted > self._left and self._cut_short:
            return
        if exhausted:
            self._extend(exhausted)

    def refused(self, asked: float | None) -> None:
        """Called after a 429, which may ask for `asked` seconds; raises PyrusUnreachable once the hour is used up."""
        if asked and asked >= 1:
            self._check_patience()
            self._extend(asked)
        elif time.monotonic() >= self.until:  # else it was sent before the last refusal was known
            self._check_patience()
            self._guesses += 1
            self._extend(self._guess.limit(self._guesses) * random.uniform(0.5, 1))  # noqa: S311 -- no secret

    def _check_patience(self) -> None:
        if time.monotonic() >= self.until and self._left < 1:
            raise PyrusUnreachable(
                f"{self._service} has answered for {LONGEST / 3600:g} h that its quota is spent; try again later."
            )

    def _extend(self, seconds: float) -> None:
        now = time.monotonic()
        begins = max(now, self.until)
        longer = now + seconds - begins
        if longer <= 0:
            return
        granted = min(longer, self._left)
        self._left -= granted
        self._cut_short = granted < longer
        self.until = begins + granted
        self._why = f"it asks for {seconds:,.0f} s; we wait for an hour in total" if self._cut_short else ""
        if self.until > max(now, self._announced) + WORTH_A_LINE:
            self._announced = self.until
            self.announce(self.wait)
