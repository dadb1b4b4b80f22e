"""The pace of requests: never more than the quota, whatever window the server counts in."""

import asyncio

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
        asyncio.get_running_loop().call_later(self._period, self._free.release)

    def hold(self, seconds: float) -> None:
        """Lets no further request go for so long: the server said that the quota is spent."""
        self._open_at = max(self._open_at, asyncio.get_running_loop().time() + seconds)
