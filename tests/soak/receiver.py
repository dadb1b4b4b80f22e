"""An HTTP server that takes alerts; one in three is refused first, as a busy receiver would."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

REFUSED = 3


class Taken(NamedTuple):
    """An alert that was answered with 200, and when; a monotonic time."""

    event: str
    alert_id: str
    at: float
    error: str | None


class Receiver:
    """`taken`: in the order they came. `refused`: how many were answered with 503."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.refused = 0
        self._tries: Counter[str] = Counter()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Yields the URL."""
        app = web.Application()
        app.router.add_post("/alerts", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        alert = await request.json()
        alert_id = alert["alert_id"]
        self._tries[alert_id] += 1
        if len(self._tries) % REFUSED == 0 and self._tries[alert_id] == 1:
            self.refused += 1
            return web.Response(status=503)
        self.taken.append(Taken(alert["event"], alert_id, time.monotonic(), alert["error"]))
        return web.Response()
