"""A flow of plain numbers: the items that it loads, its limits, and its ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from pyrus_etl.sync.flow import LIMITS, Limits, Ready, Work, flow

Choice = int | Ready[int] | None
NO_WAIT = LIMITS._replace(linger=0)


class Enough(Exception):
    """Ends the fetching, but not the fetches under way."""


class Doubling:
    """Work that fetches a number by doubling it, and counts how many are in flight.

    `fetch` and `load` replace what is done with an item and a batch.
    """

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[None]] | None = None,
        load: Callable[[list[int]], Awaitable[None]] | None = None,
        size: int = 1,
    ) -> None:
        self._do_fetch, self._do_load, self._size = fetch, load, size
        self.batches: list[list[int]] = []
        self.fetched: list[int] = []
        self.under_way = self.most_under_way = 0
        self.in_flight = self.most_in_flight = 0
        self.stop = asyncio.Event()

    @property
    def loaded(self) -> list[int]:
        return sorted(number for batch in self.batches for number in batch)

    def run(self, choices: Iterable[Choice] | AsyncIterator[Choice], limits: Limits = NO_WAIT) -> None:
        choose = choices if isinstance(choices, AsyncIterator) else every(choices)
        asyncio.run(self.flow(choose, limits))

    async def flow(self, choose: AsyncIterator[Choice], limits: Limits) -> None:
        work = Work(choose, self._fetch, self._load, size=lambda _: self._size, last=Enough)
        await flow(work, limits, self.stop)

    async def _fetch(self, number: int) -> int:
        self.under_way += 1
        self.in_flight += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            if self._do_fetch:
                await self._do_fetch(number)
        finally:
            self.under_way -= 1
        self.fetched.append(number)
        return 2 * number

    async def _load(self, batch: list[int]) -> None:
        await asyncio.sleep(0)
        if self._do_load:
            await self._do_load(batch)
        self.batches.append(batch)
        self.in_flight -= len(batch)


async def every(choices: Iterable[Choice]) -> AsyncIterator[Choice]:
    for choice in choices:
        yield choice


async def broken_off_after(choices: Iterable[Choice]) -> AsyncIterator[Choice]:
    for choice in choices:
        yield choice
    raise ConnectionError("the list broke off")


def doubled(numbers: Iterable[int]) -> list[int]:
    return [2 * number for number in numbers]


def test_everything_that_is_chosen_is_fetched_and_loaded() -> None:
    doubling = Doubling()
    doubling.run(range(1000))

    assert doubling.loaded == doubled(range(1000))


def test_what_is_ready_is_loaded_without_a_fetch() -> None:
    doubling = Doubling()
    doubling.run([1, Ready(7), 3])

    assert (doubling.loaded, sorted(doubling.fetched)) == ([2, 6, 7], [1, 3])


def test_a_choice_that_waits_for_long_ends_with_the_fetching() -> None:
    async def enough(_: int) -> None:
        raise Enough("that is all")

    async def waiting() -> AsyncIterator[Choice]:
        yield 1
        while True:
            await asyncio.sleep(0)
            yield None

    doubling = Doubling(fetch=enough)
    with pytest.raises(Enough, match="that is all"):
        doubling.run(waiting())
    assert doubling.loaded == []


def test_nothing_to_choose_loads_nothing() -> None:
    doubling = Doubling()
    doubling.run([])

    assert doubling.batches == []


def test_at_most_as_many_fetches_as_fetchers_are_under_way() -> None:
    doubling = Doubling()
    doubling.run(range(200), NO_WAIT._replace(fetchers=5))

    assert doubling.most_under_way == 5


def test_the_number_of_items_in_flight_is_limited_until_they_are_loaded() -> None:
    doubling = Doubling()
    doubling.run(range(200), NO_WAIT._replace(fetchers=50, in_flight=20))

    assert doubling.most_in_flight <= 20
    assert doubling.loaded == doubled(range(200))


def test_no_fetch_begins_while_too_many_bytes_are_in_flight() -> None:
    async def load(_: list[int]) -> None:
        for _turn in range(100):  # in which much more could be fetched
            await asyncio.sleep(0)

    doubling = Doubling(load=load, size=100)
    doubling.run(range(200), NO_WAIT._replace(fetchers=1, bytes=1000))

    assert doubling.most_in_flight <= 10
    assert doubling.loaded == doubled(range(200))


def test_no_batch_is_larger_than_the_limit() -> None:
    doubling = Doubling()
    doubling.run(range(100), NO_WAIT._replace(batch=7))

    assert max(map(len, doubling.batches)) == 7


def test_a_few_arrivals_wait_for_more_and_share_a_batch() -> None:
    doubling = Doubling()
    doubling.run(range(10), NO_WAIT._replace(fetchers=2, linger=60))  # ends at once when nothing more comes

    assert [sorted(batch) for batch in doubling.batches] == [doubled(range(10))]


def test_if_choosing_fails_what_was_chosen_is_fetched_and_loaded_first() -> None:
    doubling = Doubling()

    with pytest.raises(ConnectionError, match="the list broke off"):
        doubling.run(broken_off_after(range(50)))
    assert doubling.loaded == doubled(range(50))


def test_if_a_fetch_fails_what_was_fetched_is_loaded_first() -> None:
    async def fetch(number: int) -> None:
        if number == 20:
            raise ValueError("20 is refused")

    doubling = Doubling(fetch)

    with pytest.raises(ValueError, match="20 is refused"):
        doubling.run(range(50), NO_WAIT._replace(fetchers=1))
    assert doubling.loaded == doubled(range(20))


def test_after_a_last_error_fetches_under_way_end_and_no_other_begins() -> None:
    enough = asyncio.Event()

    async def fetch(number: int) -> None:
        if number == 3:
            enough.set()
            raise Enough("that is all")
        await enough.wait()

    doubling = Doubling(fetch)

    with pytest.raises(Enough, match="that is all"):
        doubling.run(range(50), NO_WAIT._replace(fetchers=4))
    assert doubling.loaded == doubled([0, 1, 2])


def test_a_stop_cancels_fetches_and_loads_what_has_arrived() -> None:
    async def fetch(number: int) -> None:
        if number == 10:
            doubling.stop.set()
            await asyncio.Event().wait()

    doubling = Doubling(fetch)
    doubling.run(range(50), NO_WAIT._replace(fetchers=1))

    assert doubling.loaded == doubled(range(10))


def test_no_stage_outlives_a_flow_that_is_cancelled() -> None:
    async def for_ever(_: int) -> None:
        await asyncio.Event().wait()

    async def cancelled() -> int:
        doubling = Doubling(for_ever)
        running = asyncio.create_task(doubling.flow(every(range(50)), NO_WAIT))
        await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})
        return len(asyncio.all_tasks())

    assert asyncio.run(cancelled()) == 1


def test_an_error_of_a_load_ends_the_flow() -> None:
    async def load(_: list[int]) -> None:
        raise OSError("the disk is full")

    doubling = Doubling(load=load)

    with pytest.raises(OSError, match="the disk is full"):
        doubling.run(range(10_000), NO_WAIT._replace(in_flight=10))
    assert len(doubling.fetched) <= 10
