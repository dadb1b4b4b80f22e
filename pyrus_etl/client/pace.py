"""The pace of requests: never more than the quota, whichever window the server counts in."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable

from pyrus_etl.client.journal import Journal
from pyrus_etl.client.waits import OURS, WORTH_A_LINE, Announce, Hold, Wait, log_wait, wait_until
from pyrus_etl.settings import Quota, Retry
from pyrus_etl.settings.retry import QUOTA

SHORTEST_SHOWN = 1.0
"""Seconds; a longer wait is shown with the progress."""


class Pace:
    """Enter it around each request (`async with`).

    A slot is free again one period after the answer came. So the server sees any `requests + 1` requests in a row more
    than a period apart, however long they were in flight: the quota is kept in sliding and in fixed windows, without a
    margin. A leaky bucket would let through twice the quota in the first period.

    `hold` holds back all requests while the server says that the quota is spent. `journal` records the requests sent.
    """

    def __init__(
        self, quota: Quota, announce: Announce = log_wait, guess: Retry = QUOTA, service: str = "the server"
    ) -> None:
        self.quota = quota
        self.hold = Hold(announce, guess, service)
        self.journal = Journal()
        self._free = asyncio.Semaphore(quota.requests)
        self._returning: deque[float] = deque()
        self._waiting = 0
        self._in_flight = 0
        self._announced = 0.0

    async def __aenter__(self) -> None:
        self._waiting += 1
        try:
            self._announce()
            await self._free.acquire()
            try:
                while (pause := self.hold.until - time.monotonic()) > 0:
                    await asyncio.sleep(pause)
            except BaseException:
                self._free.release()
                raise
        finally:
            self._waiting -= 1
        self._in_flight += 1
        self.journal.sent()

    async def __aexit__(self, *_: object) -> None:
        self._in_flight -= 1
        self.journal.answered()
        self._return_at([time.monotonic() + self.quota.period])

    def take(self, instants: Iterable[float]) -> None:
        """Takes slots for the requests of earlier runs, before the first request; each is free again at its instant.

        The instants are of the monotonic clock, in order, and at most one period from now.
        """
        latest = list(instants)[-self.quota.requests :]
        self._free = asyncio.Semaphore(self.quota.requests - len(latest))
        self._return_at(latest)

    @property
    def wait(self) -> Wait | None:
        """The wait of the requests at the moment, if it is long enough to be shown."""
        now = time.monotonic()
        if self._waiting and self.hold.until > now + SHORTEST_SHOWN:
            return self.hold.wait
        free_at = self._free_at()
        return wait_until(free_at, OURS) if free_at > now + SHORTEST_SHOWN else None

    @property
    def room(self) -> int:
        """How many more requests could be sent now."""
        if self.hold.until > time.monotonic():
            return 0
        return max(0, self.quota.requests - len(self._returning) - self._in_flight - self._waiting)

    def seconds_for(self, requests: int) -> float:
        """Estimates how long the quota makes this number of further requests wait."""
        return max(0, requests + len(self._returning) - self.quota.requests) * self.quota.period / self.quota.requests

    def _free_at(self) -> float:
        """When the next slot is free, if a request waits for it; else 0."""
        try:
            return self._returning[0] if self._waiting and self._free.locked() else 0.0
        except IndexError:  # all slots are in flight, or another thread changed the queue
            return 0.0

    def _return_at(self, instants: list[float]) -> None:
        was_idle = not self._returning
        self._returning.extend(instants)
        if was_idle:
            self._give_back()

    def _give_back(self) -> None:
        """Frees the slots whose period is over; a single timer waits for the next one."""
        loop = asyncio.get_running_loop()
        while self._returning and self._returning[0] <= time.monotonic():
            self._returning.popleft()
            self._free.release()
        if self._returning:
            loop.call_later(self._returning[0] - time.monotonic(), self._give_back)
            self._announce()

    def _announce(self) -> None:
        """Announces a long wait for a slot, once."""
        free_at = self._free_at()
        if free_at > max(self._announced, time.monotonic() + WORTH_A_LINE):
            self._announced = free_at
            self.hold.announce(wait_until(free_at, OURS))
