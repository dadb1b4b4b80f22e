"""Small contents that are stored together: those that arrive while earlier ones are being stored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pyrus_etl.files.disk import Small

AT_ONCE = 2
"""Groups that are stored at the same time: while the disk is busy with one, another is written."""
MOST = 64
"""Contents in a group, each with open files."""

Waiting = tuple[Small, asyncio.Future[None]]


class Together:
    """`store` stores contents and notes their errors."""

    def __init__(self, store: Callable[[Sequence[Small]], Awaitable[None]]) -> None:
        self._store = store
        self._waiting: list[Waiting] = []
        self._working: set[asyncio.Task[None]] = set()

    async def put(self, small: Small) -> None:
        """Stores contents; raises their error. If it is cancelled, it still waits for a group that has begun."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((small, stored))
        if len(self._working) < AT_ONCE:
            working = asyncio.ensure_future(self._work())
            self._working.add(working)
            working.add_done_callback(self._working.discard)
        try:
            await asyncio.shield(stored)
        except asyncio.CancelledError:
            if (small, stored) in self._waiting:
                self._waiting.remove((small, stored))
            else:
                await asyncio.wait({stored})
                stored.exception()
            raise

    async def _work(self) -> None:
        while group := self._waiting[:MOST]:
            del self._waiting[: len(group)]
            try:
                await self._store([small for small, _ in group])
            except Exception as error:
                for small, _ in group:
                    small.error = error
            finally:  # also if this is cancelled: `store` has come to its end then
                for small, stored in group:
                    stored.set_exception(small.error) if small.error else stored.set_result(None)
