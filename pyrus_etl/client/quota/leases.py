"""The quota of an account, shared by processes and machines: a process leases permits of it.

A lease counts in full from its grant until one period after it was closed. It is closed when its last answer has come;
if its holder dies, when it expires. So the requests of any period are within leases that counted together when the last
of them was granted.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from pyrus_etl.client.quota.lending import Closed, Grant, Lend, Report
from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.settings import Quota

LARGEST = 50
MOST_SHARE = 20
"""A lease is at most this part of the quota, unless more requests wait."""
FASTEST = 0.1
"""Seconds of a quota without bounds, such as that of a server of one's own, for which a lease lasts at least."""
GUARD = 1.0
"""A lease is not used in its last seconds: this many."""
BEAT = 2.0
"""Seconds between two reports, less if the period is short: leases are renewed, and what others did is seen."""
SHORTEST_BEAT = 0.1
RESOLUTION = 1e-6
"""Seconds. A timer of the event loop may fire a little early; without this, it would be set again and again."""
SHORTEST_PAUSE = 0.005


class _Lease:
    """Leased permits. `ends`: the time from which on they are not used (monotonic clock)."""

    __slots__ = ("answered", "ends", "last", "lease_id", "permits", "used")

    def __init__(self, lease_id: int, permits: int, ends: float) -> None:
        self.lease_id, self.permits, self.ends = lease_id, permits, ends
        self.used = self.answered = 0
        self.last = time.monotonic()

    def left(self, now: float) -> int:
        return self.permits - self.used if now < self.ends else 0


def size_for(quota: Quota) -> int:
    """The permits of a lease: few of a small quota, so that none are kept from others for long."""
    largest = max(LARGEST, int(quota.requests / quota.period * FASTEST))
    return max(1, min(quota.requests // MOST_SHARE, largest))


class Leases:
    """Leased permits; see `pace.Permits`. `changed` is called when permits may have become free.

    Open it with `async with`; at the end it gives back what was not used. An error of the lender ends all requests.

    Answers count for the oldest lease with requests in flight. Only the number of requests counts, so it does not
    matter which of them was sent with which lease; and a long request keeps the newest lease open, not an old one.
    """

    def __init__(self, quota: Quota, lend: Lend, changed: Callable[[], None]) -> None:
        self._size = size_for(quota)
        self._lend = lend
        self._tell = changed
        self._patience = min(0.5, quota.period / 100)
        self._beat = min(BEAT, max(SHORTEST_BEAT, quota.period / 4))
        self._open: deque[_Lease] = deque()
        self._done: list[tuple[_Lease, float]] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._wakes = asyncio.Event()
        self._wants_more = False
        self._ask_at = self._free_at = self._reported = self._hold = self._hold_reported = 0.0
        self._over = False
        self._failure: PyrusEtlError | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._counting = 0
        self.held_until = 0.0

    async def begin(self, least: int) -> int:
        """Takes the first lease before any request is sent; returns its permits."""
        await self._report(max(self._size, least))
        self._keeper = asyncio.create_task(self._keep())
        return sum(each.permits for each in self._open)

    async def end(self) -> None:
        """Gives back what was not used."""
        self._over = True
        self._wakes.set()
        if self._keeper:
            await self._keeper
        self._close_leases()
        if self._done and not self._failure:
            await self._report(0)

    async def take(self) -> None:
        """Waits for a permit; permits are first come, first served."""
        if self._failure:
            raise self._failure
        if self._waiting or not self._use():
            await self._turn()

    def untake(self) -> None:
        """The request counts as sent and answered."""
        self.answered()

    def answered(self) -> None:
        now = time.monotonic()
        oldest = next((each for each in self._open if each.answered < each.used), None)
        if oldest is None:  # given back while the request was in flight
            return
        oldest.answered += 1
        oldest.last = now
        if oldest.answered == oldest.used and not oldest.left(now):
            self._wakes.set()

    def hold(self, until: float) -> None:
        if until > self._hold:
            self._hold = until
            self._wakes.set()

    @property
    def free_at(self) -> float:
        """When a permit is expected if a request waits for one; else 0."""
        return self._free_at if self._waiting else 0.0

    @property
    def used(self) -> int:
        """Permits that count, of all processes, except those that this process has yet to use."""
        now = time.monotonic()
        return self._counting - sum(each.left(now) for each in tuple(self._open))

    def _use(self) -> bool:
        """Uses a permit if one is left; asks for the next lease when half of them are used."""
        now = time.monotonic()
        found = next((each for each in self._open if each.left(now)), None)
        if found is None:
            return False
        found.used += 1
        if not self._wants_more and sum(each.left(now) for each in self._open) <= self._size // 2:
            self._wants_more = True
            self._wakes.set()
        return True

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._wakes.set()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():
                self.untake()
            raise

    async def _keep(self) -> None:
        """Reports to the lender whenever something is due, until the end."""
        while True:
            await self._pause()
            if self._over:
                return
            self._close_leases()
            if self._due() > time.monotonic() + RESOLUTION:
                continue
            try:
                await self._report(max(self._size, len(self._waiting)) if self._wants else 0)
            except PyrusEtlError as error:
                self._fail(error)
                return

    async def _pause(self) -> None:
        pause = self._due() - time.monotonic()
        if pause > 0:
            try:
                await asyncio.wait_for(self._wakes.wait(), pause)
            except TimeoutError:
                return
        self._wakes.clear()

    @property
    def _wants(self) -> bool:
        return bool(self._waiting) or self._wants_more

    def _due(self) -> float:
        """When the next report is due."""
        due = [self._reported + self._beat]
        if self._done:
            due.append(self._done[0][0].last + self._patience)
        if self._wants:
            due.append(self._ask_at)
        if self._hold > max(self._hold_reported, time.monotonic()):
            due.append(0.0)
        return min(due)

    def _close_leases(self) -> None:
        """Closes the leases that are used up or may no longer be used, and whose answers have come."""
        now = time.monotonic()
        for each in tuple(self._open):
            if self._over or (each.answered == each.used and not each.left(now)):
                self._open.remove(each)
                self._done.append((each, now if each.answered < each.used else each.last))

    async def _report(self, wanted: int) -> None:
        now, done, held = time.monotonic(), list(self._done), self._hold
        closed = [Closed(each.lease_id, each.used, now - last) for each, last in done]
        in_flight = [each.lease_id for each in self._open if each.answered < each.used]
        granted = await self._lend(Report(closed, in_flight, wanted, max(0.0, held - now)))
        del self._done[: len(done)]
        self._reported, self._hold_reported = now, held
        self._note(granted, now, wanted)

    def _note(self, granted: Grant, asked: float, wanted: int) -> None:
        now = time.monotonic()
        self._counting = granted.used
        self.held_until = now + granted.held if granted.held else 0.0
        if granted.permits:
            self._open.append(_Lease(granted.lease_id, granted.permits, asked + granted.seconds - GUARD))
            self._wants_more = False
        if wanted:
            self._free_at = now + (0.0 if granted.permits else granted.held or granted.free_in)
            self._ask_at = now if granted.permits else now + max(SHORTEST_PAUSE, min(granted.free_in, self._beat))
        self._serve()
        self._tell()

    def _serve(self) -> None:
        """Lets those who wait have the permits that are left."""
        while self._waiting:
            if self._waiting[0].done():  # cancelled
                self._waiting.popleft()
            elif self._use():
                self._waiting.popleft().set_result(None)
            else:
                return

    def _fail(self, error: PyrusEtlError) -> None:
        self._failure = error
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(error)
        self._waiting.clear()
