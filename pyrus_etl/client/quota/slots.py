"""The quota of a process that shares it with no other."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from pyrus_etl.settings import Quota


class Slots:
    """A slot is free again one period after the answer came; `freed` is called when some are.

    So the server sees any `requests + 1` requests in a row more than a period apart, however long they were in flight:
    the quota is kept in sliding and in fixed windows, without a margin. A leaky bucket would let through twice the
    quota in the first period. `taken`: slots that others use, until one period from now.
    """

    held_until = 0.0
    """No other process holds back ours."""

    def __init__(self, quota: Quota, freed: Callable[[], None], taken: int = 0) -> None:
        self._quota = quota
        self._freed = freed
        self._free = asyncio.Semaphore(quota.requests - taken)
        self._returning = deque([time.monotonic() + quota.period] * taken)
        self._in_flight = 0
        if taken:
            self._give_back()

    async def take(self) -> None:
        """Waits for a slot; slots are first come, first served."""
        await self._free.acquire()
        self._in_flight += 1

    def answered(self) -> None:
        """The answer of a request has come."""
        self._in_flight -= 1
        self._returning.append(time.monotonic() + self._quota.period)
        if len(self._returning) == 1:
            self._give_back()

    def untake(self) -> None:
        """Frees a slot whose request was not sent."""
        self._in_flight -= 1
        self._free.release()

    def hold(self, until: float) -> None:
        """No other process has to know."""

    @property
    def free_at(self) -> float:
        """When the next slot is free if none is; else 0. May be called by another thread."""
        try:
            return self._returning[0] if self._free.locked() else 0.0
        except IndexError:  # all slots are in flight, or another thread changed the queue
            return 0.0

    @property
    def used(self) -> int:
        """Requests that count: those in flight, and those answered in the last period."""
        return self._in_flight + len(self._returning)

    def _give_back(self) -> None:
        """Frees the slots whose period is over; a single timer waits for the next one."""
        loop = asyncio.get_running_loop()
        while self._returning and self._returning[0] <= time.monotonic():
            self._returning.popleft()
            self._free.release()
        if self._returning:
            loop.call_later(self._returning[0] - time.monotonic(), self._give_back)
            self._freed()
