"""Which requests were sent when, for the next run to know what is left of the quota."""

import time
from collections import Counter
from collections.abc import Mapping

KEPT = 60
"""Seconds for which a second that was written is remembered."""


class Journal:
    """Requests by the second in which their answers came; the server saw none of them later.

    Seconds are since 1970 by the clock that it was set to: machines with different clocks set it to the same one.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._requests: Counter[int] = Counter()
        self._unwritten: set[int] = set()
        self._under_way = 0

    def set_clock(self, now: float) -> None:
        """From here on it is `now`, in seconds since 1970."""
        self._offset = now - time.monotonic()

    def sent(self) -> None:
        self._under_way += 1

    def answered(self) -> None:
        self._under_way -= 1
        self._requests[self._now] += 1
        self._unwritten.add(self._now)

    def unwritten(self) -> dict[int, int]:
        """The seconds that changed since they were written, with all their requests.

        What is under way counts as if it were answered now, in case that this run is killed; next time it will not.
        """
        seconds = {second: self._requests[second] for second in sorted(self._unwritten)}
        if self._under_way:
            now = self._now
            seconds[now] = self._requests[now] + self._under_way
            self._unwritten.add(now)
        return seconds

    def written(self, seconds: Mapping[int, int]) -> None:
        """Forgets what was written, and what is old."""
        self._unwritten -= {second for second, requests in seconds.items() if self._requests[second] == requests}
        oldest = self._now - KEPT
        for second in [second for second in self._requests if second < oldest and second not in self._unwritten]:
            del self._requests[second]

    @property
    def _now(self) -> int:
        return int(time.monotonic() + self._offset)
