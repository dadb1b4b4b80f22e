"""When a request is tried again after a fault."""

import time

from pyrus_etl.client.meaning import Again
from pyrus_etl.settings import Waits


class Tries:
    """Counts the failed tries of one request. `most`: at most how many tries, if fewer than `Waits.requests` says.

    `once`: nothing is tried again after it has reached a server.
    """

    def __init__(self, waits: Waits, most: int | None = None, *, once: bool = False) -> None:
        self._waits = waits
        self._once = once
        self._most = min(most or waits.requests.attempts, waits.requests.attempts)
        self._failures = 0
        self._failing_since = 0.0

    def pause(self, failure: Again) -> float | None:
        """Seconds to wait before the next try; None if there is none."""
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        self._failures += 1
        is_silent = not failure.reached and now - self._failing_since > self._waits.unreachable
        if self._failures >= self._most or is_silent or (self._once and failure.reached):
            return None
        return self._waits.requests.pause(self._failures)
