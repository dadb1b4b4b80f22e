"""Requests whose client has gone, and which the server carries out later all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

CarryOut = Callable[[], Coroutine[Any, Any, Any]]


class LateRequests:
    """Those that wait, in order. What they are answered, nobody sees."""

    def __init__(self) -> None:
        self._waiting: list[CarryOut] = []
        self._running: set[asyncio.Future[Any]] = set()

    def add(self, carry_out: CarryOut, seconds: float) -> None:
        """Carries a request out after these seconds, or at `release` if there are none."""
        self._waiting.append(carry_out)
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, self._start, carry_out)

    async def release(self) -> int:
        """Carries out what waits, one after the other; returns its number."""
        waiting, self._waiting = self._waiting, []
        for carry_out in waiting:
            await asyncio.gather(carry_out(), return_exceptions=True)
        return len(waiting)

    def _start(self, carry_out: CarryOut) -> None:
        if carry_out in self._waiting:
            self._waiting.remove(carry_out)
            running = asyncio.gather(carry_out(), return_exceptions=True)
            self._running.add(running)
            running.add_done_callback(self._running.discard)
