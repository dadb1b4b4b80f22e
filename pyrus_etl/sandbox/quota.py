"""A limit of requests in fixed windows of time, and its headers.

Pyrus documents its limit at https://pyrus.com/en/help/api/errors-and-limits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .answers import Refused


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
            headers = self.headers()
            raise Refused("TooManyRequests", headers | {"Retry-After": headers["X-RateLimit-Reset"]})
        return self.headers()

    def headers(self) -> dict[str, str]:
        """The state of this window; `X-RateLimit-Reset` is in whole seconds until the next one, never 0."""
        left = (self._window + 1) * self.seconds - self._now()
        return {
            "X-RateLimit-Limit": str(self.requests),
            "X-RateLimit-Remaining": str(max(self.requests - self._used, 0)),
            "X-RateLimit-Reset": str(max(math.ceil(left), 1)),
        }
