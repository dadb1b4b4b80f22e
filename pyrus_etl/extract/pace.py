"""The pace of requests: never more than the quota, whatever window the server counts in."""

import asyncio
from collections import deque

from pyrus_etl.settings import Quota


class Pace:
    """Hold it around each request.

    A request's place falls free one period after its answer came. So any `requests + 1` requests in a row are more
    than a period apart where the server sees them, however long they were under way: the quota holds for sliding and
    for fixed windows, without a margin. A leaky bucket would let through twice the quota in the first period.
    """

    def __init__(self, quota: Quota) -> None:
        self._period = quota.period
        self._free = asyncio.Semaphore(quota.requests)
        self._returning: deque[float] = deque()
        self._open_at = 0.0

    async def __aenter__(self) -> None:
        await self._free.acquire()
        try:
            while (pause := self._open_at - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(pause)
        except BaseException:
            self._free.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        self._returning.append(loop.time() + self._period)
        if len(self._returning) == 1:
            loop.call_at(self._returning[0], self._give_back)

    def _give_back(self) -> None:
        """Frees the places whose period is over; one timer waits for the next of them, however many there are."""
        loop = asyncio.get_running_loop()
        while self._returning and self._returning[0] <= loop.time():
            self._returning.popleft()
            self._free.release()
        if self._returning:
            loop.call_at(self._returning[0], self._give_back)

    def hold(self, seconds: float) -> None:
        """Lets no further request go for so long: the server said that the quota is spent."""
        self._open_at = max(self._open_at, asyncio.get_running_loop().time() + seconds)
