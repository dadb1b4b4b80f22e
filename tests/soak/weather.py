"""What goes wrong when: the same for the same duration. Six cycles, each with everything that can go wrong."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.sandbox.limits.faults import Faults
from tests.servers import Server, stopped

CYCLES = 6
LONGEST_CYCLE = 600.0
"""Seconds. A shorter soak shortens everything, so that only one of an hour has outages that make runs fail."""
LONG = 60.0
"""Seconds of an outage after which every run has failed."""
STORM = Faults(
    error=0.02, unavailable=0.02, reset=0.01, short=0.02, html=0.01, slow=0.05, limit=0.01, seconds=1.0, seed=1
)
SHARE_REVOKED = 0.3
"""More tasks than a census may miss."""

Mishap = tuple[float, Callable[[], Awaitable[None]]]


class Outage(NamedTuple):
    """When something was away for so long that runs failed; monotonic times."""

    what: str
    began: float
    ended: float


class Weather:
    """Faults of the sandbox and of the database. `restarts` counts those of the database; `outages` were long."""

    def __init__(self, sandbox: Sandbox, server: Server, seconds: float) -> None:
        self.restarts = 0
        self.outages: list[Outage] = []
        self.revoked: set[int] = set()
        self._sandbox, self._server = sandbox, server
        self._cycle = seconds / CYCLES

    async def pass_by(self) -> None:
        """Lets everything happen at its time; it ends in calm."""
        began = time.monotonic()
        for cycle in range(CYCLES):
            for share, mishap in self._mishaps(cycle):
                await asyncio.sleep(max(0.0, began + (cycle + share) * self._cycle - time.monotonic()))
                await mishap()
        await self._calm()

    def _mishaps(self, cycle: int) -> Iterator[Mishap]:
        """Shares of a cycle, and what happens then; in the third, Pyrus is away until data are stale."""
        yield 0.05, self._storm
        yield 0.30, self._calm
        yield 0.35, lambda: self._database_away(signal.SIGINT, 0)
        yield 0.42, lambda: self._database_away(signal.SIGQUIT, 3)
        yield 0.50, lambda: self._pyrus_away(280 if cycle == 2 else 90)
        if cycle == 2:
            yield 0.99, self._revoke
        else:
            yield 0.70, self._new_login
            yield 0.75, lambda: self._database_away(signal.SIGINT, 90)
        if cycle == 4:
            yield 0.99, self._grant

    def _scaled(self, seconds: float) -> float:
        return seconds * self._cycle / LONGEST_CYCLE

    async def _storm(self) -> None:
        self._sandbox.faults = STORM

    async def _calm(self) -> None:
        self._sandbox.faults = Faults()

    async def _new_login(self) -> None:
        self._sandbox.revoke_tokens()

    async def _pyrus_away(self, seconds: float) -> None:
        began = time.monotonic()
        self._sandbox.down = True
        await asyncio.sleep(self._scaled(seconds))
        self._sandbox.down = False
        self._note("Pyrus", began)

    async def _database_away(self, how: signal.Signals, seconds: float) -> None:
        """Stops the server, with SIGQUIT without its checkpoint, and starts it again."""
        began = time.monotonic()
        await asyncio.to_thread(self._restart, how, self._scaled(seconds))
        self.restarts += 1
        self._note("the database", began)

    def _note(self, what: str, began: float) -> None:
        ended = time.monotonic()
        if ended - began >= LONG:
            self.outages.append(Outage(what, began, ended))

    def _restart(self, how: signal.Signals, seconds: float) -> None:
        with stopped(self._server, how):
            time.sleep(seconds)

    async def _revoke(self) -> None:
        """Takes away so many tasks that a census is doubted."""
        task_ids = self._sandbox.world.task_ids()
        self.revoked = set(task_ids[: int(SHARE_REVOKED * len(task_ids))])
        for task_id in self.revoked:
            self._sandbox.world.revoke(task_id)

    async def _grant(self) -> None:
        for task_id in self.revoked:
            self._sandbox.world.grant(task_id)
        self.revoked = set()
