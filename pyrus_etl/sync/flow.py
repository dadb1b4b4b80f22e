"""A flow: items are chosen, fetched and loaded at the same time, with a limit on the number in flight.

It knows nothing about the items. Two limits keep its memory flat: the number of items in flight, and their bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pyrus_etl.sync.stages import together

Item = TypeVar("Item")
Arrived = TypeVar("Arrived")


class Limits(NamedTuple):
    """The limits of a flow.

    `fetchers`: items fetched at the same time. `queued`: items chosen and not yet fetched. `in_flight`: items being
    fetched, or fetched and not yet loaded; `bytes`: their size. `batch`: items loaded at once. If fewer than `few` have
    arrived, the flow waits `linger` seconds for more, so that they share a batch. `workers`: the number of processes
    that fetch and load.
    """

    fetchers: int = 16
    queued: int = 5000
    in_flight: int = 2000
    bytes: int = 1 << 26
    batch: int = 1000
    few: int = 200
    linger: float = 0.1
    workers: int = 1


LIMITS = Limits()


class Ready(NamedTuple, Generic[Arrived]):
    """`choose` yields it in place of an item if there is nothing to fetch; it is loaded as it is."""

    arrived: Arrived


@dataclass(frozen=True)
class Work(Generic[Item, Arrived]):
    """The work of a flow.

    `choose` yields the items, and None while it waits. `fetch` is called for each, `load` for each batch of what it
    returned. `size`: bytes of what was fetched. `last`: errors of `fetch` after which no other item is fetched.
    """

    choose: AsyncIterator[Item | Ready[Arrived] | None]
    fetch: Callable[[Item], Awaitable[Arrived]]
    load: Callable[[list[Arrived]], Awaitable[None]]
    size: Callable[[Arrived], int]
    last: type[Exception]


async def flow(work: Work[Item, Arrived], limits: Limits, stop: asyncio.Event) -> None:
    """Runs the flow; returns when everything is loaded, or soon after `stop` is set. Raises the first error.

    However it ends, fetched items are loaded first. If `choose` fails, the items that it yielded are fetched first too.
    After an error of the type `work.last`, the calls of `fetch` under way are finished; any other error cancels them,
    and so does `stop`.
    """
    stages = _Stages(work, limits)
    loading = asyncio.create_task(stages.load_all())
    fetching = asyncio.create_task(stages.choose_and_fetch())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({loading, fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        fetching.cancel()
        await asyncio.wait({fetching})
        stages.end()
        await loading
    finally:
        for each in (loading, fetching, stopping):
            each.cancel()
        await asyncio.wait({loading, fetching, stopping})  # so that none outlives the flow
    if not fetching.cancelled() and (error := fetching.exception()):
        raise error


class _InFlight(NamedTuple, Generic[Arrived]):
    """An arrival, its bytes, and how many slots are free again when it is loaded."""

    arrived: Arrived
    size: int = 0
    slots: int = 0


class _Stages(Generic[Item, Arrived]):
    """The queues between the stages, each closed by None, and the limits on what is in flight.

    `_to_fetch` is long, so that the next items are chosen while earlier ones are fetched.
    """

    def __init__(self, work: Work[Item, Arrived], limits: Limits) -> None:
        self._work = work
        self._limits = limits
        self._to_fetch: asyncio.Queue[Item | None] = asyncio.Queue(limits.queued)
        self._to_load: asyncio.Queue[_InFlight[Arrived] | None] = asyncio.Queue()
        self._slots = asyncio.Semaphore(limits.in_flight)
        self._bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._ended = asyncio.Event()
        self._broken_off: Exception | None = None
        self._last: Exception | None = None

    async def choose_and_fetch(self) -> None:
        fetchers = [self._fetch_each() for _ in range(self._limits.fetchers)]
        await together(self._choose_each(), *fetchers)
        if error := self._last or self._broken_off:
            raise error

    def end(self) -> None:
        """Nothing more arrives to be loaded."""
        self._to_load.put_nowait(None)
        self._ended.set()

    async def load_all(self) -> None:
        while batch := await self._next_batch():
            await self._work.load([each.arrived for each in batch])
            self._add_bytes(-sum(each.size for each in batch))
            for _ in range(sum(each.slots for each in batch)):
                self._slots.release()

    async def _choose_each(self) -> None:
        try:
            await self._choose()
        except Exception as error:
            self._broken_off = error
        for _ in range(self._limits.fetchers):
            await self._to_fetch.put(None)

    async def _choose(self) -> None:
        async for chosen in self._work.choose:
            if self._last:
                return
            if chosen is None:
                continue
            if isinstance(chosen, Ready):
                self._to_load.put_nowait(_InFlight(chosen.arrived))
            else:
                await self._to_fetch.put(chosen)

    async def _fetch_each(self) -> None:
        while (item := await self._to_fetch.get()) is not None:
            if self._last:
                continue
            await self._slots.acquire()
            await self._has_room.wait()
            try:
                await self._fetch(item)
            except self._work.last as error:
                self._last = error
                self._slots.release()

    async def _fetch(self, item: Item) -> None:
        arrived = await self._work.fetch(item)
        size = self._work.size(arrived)
        self._add_bytes(size)
        self._to_load.put_nowait(_InFlight(arrived, size, slots=1))

    def _add_bytes(self, more: int) -> None:
        self._bytes += more
        (self._has_room.set if self._bytes < self._limits.bytes else self._has_room.clear)()

    async def _next_batch(self) -> list[_InFlight[Arrived]]:
        """Returns the arrivals; if they are few, waits for more. Empty at the end."""
        limits, queue = self._limits, self._to_load
        batch = [await queue.get()]
        if batch[0] is not None and queue.qsize() < min(limits.few, limits.batch):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), limits.linger)
        while batch[-1] is not None and len(batch) < limits.batch and not queue.empty():
            batch.append(queue.get_nowait())
        if batch[-1] is None and len(batch) > 1:
            queue.put_nowait(None)  # the end is for the next call
        return [each for each in batch if each is not None]
