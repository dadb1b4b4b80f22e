"""The pace of requests: never more than the quota, whichever window the server counts in."""

import asyncio
import time
from typing import Protocol

from pyrus_etl.client.quota.slots import Slots
from pyrus_etl.client.quota.waits import OURS, WORTH_A_LINE, Announce, Hold, Wait, log_wait, wait_until
from pyrus_etl.settings import Quota, Retry
from pyrus_etl.settings.retry import QUOTA

SHORTEST_SHOWN = 1.0
"""Seconds; a longer wait is shown with the progress."""


class Permits(Protocol):
    """What permits requests within the quota. All instants are of the monotonic clock.

    `free_at`: when the next request is permitted if none is now; else 0. `held_until`: until when another process was
    made to wait. `used`: how many requests count, those in flight too.
    """

    @property
    def free_at(self) -> float: ...
    @property
    def held_until(self) -> float: ...
    @property
    def used(self) -> int: ...

    async def take(self) -> None:
        """Waits until a request may be sent."""

    def untake(self) -> None:
        """Gives back what was taken for a request that was not sent."""

    def answered(self) -> None:
        """The answer of a request has come, or will never come."""

    def hold(self, until: float) -> None:
        """Tells the other processes until when the server makes us wait."""


class Pace:
    """Enter it around each request (`async with`). `permits` says how many may be sent; `share` replaces it.

    `hold` holds back all requests while the server says that the quota is spent.
    """

    def __init__(
        self, quota: Quota, announce: Announce = log_wait, guess: Retry = QUOTA, service: str = "the server"
    ) -> None:
        self.quota = quota
        self.hold = Hold(announce, guess, service)
        self._permits: Permits = Slots(quota, self.announce)
        self._service = service
        self._waiting = 0
        self._announced = 0.0

    def share(self, permits: Permits) -> None:
        """Shares the quota with other processes, before the first request."""
        self._permits = permits

    async def __aenter__(self) -> None:
        self._waiting += 1
        try:
            self.announce()
            await self._permitted()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._permits.answered()

    async def _permitted(self) -> None:
        """Waits for a permit that is not held back; a wait may begin while we wait for the permit."""
        while True:
            while (pause := self.held_until - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            await self._permits.take()
            if self.held_until <= time.monotonic():
                return
            self._permits.untake()

    def answered(self, exhausted: float) -> None:
        """A good answer says for how many seconds no request is left."""
        self.hold.answered(exhausted)
        self._permits.hold(self.hold.until)

    def refused(self, asked: float | None) -> None:
        """The server says that its quota is spent, perhaps for how long."""
        self.hold.refused(asked)
        self._permits.hold(self.hold.until)

    @property
    def wait(self) -> Wait | None:
        """The wait of the requests at the moment, if it is long enough to be shown."""
        now = time.monotonic()
        if self._waiting and self.held_until > now + SHORTEST_SHOWN:
            theirs = wait_until(self._permits.held_until, f"{self._service}'s quota")
            return self.hold.wait if self.hold.until >= self._permits.held_until else theirs
        free_at = self._free_at()
        return wait_until(free_at, OURS) if free_at > now + SHORTEST_SHOWN else None

    @property
    def room(self) -> int:
        """How many more requests could be sent now."""
        if self.held_until > time.monotonic():
            return 0
        return max(0, self.quota.requests - self._permits.used - self._waiting)

    def seconds_for(self, requests: int) -> float:
        """Estimates how long the quota makes this number of further requests wait."""
        return max(0, requests + self._permits.used - self.quota.requests) * self.quota.period / self.quota.requests

    def announce(self) -> None:
        """Announces a long wait for a permit, once."""
        free_at = self._free_at()
        if free_at > max(self._announced + SHORTEST_SHOWN, time.monotonic() + WORTH_A_LINE):
            self._announced = free_at
            self.hold.announce(wait_until(free_at, OURS))

    @property
    def held_until(self) -> float:
        return max(self.hold.until, self._permits.held_until)

    def _free_at(self) -> float:
        """When the next request is permitted, if one waits for it; else 0."""
        return self._permits.free_at if self._waiting else 0.0
