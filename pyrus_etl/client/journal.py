"""Counts requests by the second, so that the next run knows how much of the quota is left."""

import time
from collections import Counter
from collections.abc import Mapping

KEPT = 60
"""Seconds for which a written second is remembered."""


class Journal:
    """Requests by the second of their answer; the server saw none of them later.

    Seconds are since 1970, by the clock given to `set_clock`: machines whose clocks differ set the same one.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._requests: Counter[int] = Counter()
        self._unwritten: set[int] = set()
        self._in_flight = 0

    def set_clock(self, now: float) -> None:
        """Sets the clock to `now`, in seconds since 1970."""
        self._offset = now - time.monotonic()

    def sent(self) -> None:
        self._in_flight += 1

    def answered(self) -> None:
        self._in_flight -= 1
        self._requests[self._now] += 1
        self._unwritten.add(self._now)

    def unwritten(self) -> dict[int, int]:
        """The seconds that changed since they were last written, with all their requests.

        Requests in flight count as answered now, in case this run is killed. The next call returns that second again,
        without them.
        """
        seconds = {second: self._requests[second] for second in sorted(self._unwritten)}
        if self._in_flight:
            now = self._now
            seconds[now] = self._requests[now] + self._in_flight
            self._unwritten.add(now)
        return seconds

    def written(self, seconds: Mapping[int, int]) -> None:
        """Forgets seconds that were written, and those that are old."""
        self._unwritten -= {second for second, requests in seconds.items() if self._requests[second] == requests}
        oldest = self._now - KEPT
        for second in [second for second in self._requests if second < oldest and second not in self._unwritten]:
            del self._requests[second]

    @property
    def _now(self) -> int:
        return int(time.monotonic() + self._offset)
