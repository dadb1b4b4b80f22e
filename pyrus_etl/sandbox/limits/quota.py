"""A limit of requests in fixed windows of time, and its headers.

Pyrus documents its limit at https://pyrus.com/en/help/api/errors-and-limits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from pyrus_etl.sandbox.answers import Refused


class Quota:
    """Allows `requests` requests in `seconds` seconds; `overruns` counts the refused ones."""

    def __init__(self, requests: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.requests = requests
        self.seconds = seconds
        self.overruns = 0
        self._now = now
        self._window = -1
        self._used = 0

    def take(self) -> dict[str, str]:
        """Counts one request and returns the headers of its answer; refuses it with 429 if the quota is used up."""
        window = int(self._now() / self.seconds)
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        if self._used > self.requests:
            self.overruns += 1
            raise Refused("TooManyRequests", self.headers() | {"Retry-After": str(self.seconds_left())})
        return self.headers()

    def headers(self) -> dict[str, str]:
        """The state of this window."""
        return {
            "X-RateLimit-Limit": str(self.requests),
            "X-RateLimit-Remaining": str(self.left()),
            "X-RateLimit-Reset": str(self.seconds_left()),
        }

    def left(self) -> int:
        """The requests that this window still allows."""
        return max(self.requests - self._used, 0)

    def seconds_left(self) -> int:
        """Whole seconds until the next window, never 0."""
        return max(math.ceil((self._window + 1) * self.seconds - self._now()), 1)
