"""Windows and their bisection, against in-memory servers that are as awkward as the API may be."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrus_etl.errors import BodyTooLarge, PyrusUnreachable
from pyrus_etl.extract.v3.dates import EPOCH, Instant
from pyrus_etl.extract.v3.windows import Listing, bisect, listings
from pyrus_etl.extract.v3.wire import TaskHeader, TaskList
from pyrus_etl.model.window import YEAR_1, YEAR_9999, Window

Dates = dict[int, set[int]]
"""Task → the seconds in which it was active; the last one is its modification."""


@dataclass
class Server:
    """Searches by activity. It returns at most `cap` rows, and fails if there are more than `largest`.

    `ends`: which ends of a period it includes. `dated`: whether its rows have a ModifiedDate.
    """

    tasks: Dates
    cap: int | None = None
    largest: int | None = None
    ends: str = "[]"
    dated: bool = True
    lot: random.Random = field(default_factory=lambda: random.Random(1))
    searches: int = 0

    async def search(self, window: Window, most: int) -> TaskList:
        self.searches += 1
        found = [
            task for task, seconds in self.tasks.items() if any(self._within(second, window) for second in seconds)
        ]
        size = min(most, len(found), self.cap or most)
        if self.largest is not None and size > self.largest:
            raise BodyTooLarge("too much")
        return TaskList([self._row(task) for task in self.lot.sample(found, size)], size < len(found) or None)

    def _within(self, second: int, window: Window) -> bool:
        after = window.start is None or (second >= window.start if self.ends[0] == "[" else second > window.start)
        before = window.end is None or (second <= window.end if self.ends[1] == "]" else second < window.end)
        return after and before

    def _row(self, task: int) -> TaskHeader:
        date: Instant = EPOCH + timedelta(seconds=max(self.tasks[task]), milliseconds=task % 1000)
        return TaskHeader(task, date if self.dated else None)


class Walk:
    """The result of listing some windows to the end."""

    def __init__(self, server: Server, *windows: Window) -> None:
        self.listings: list[Listing] = []
        self.error: PyrusUnreachable | None = None
        asyncio.run(self._walk(server, list(windows or (Window(),))))

    async def _walk(self, server: Server, windows: list[Window]) -> None:
        try:
            async for listing in listings(server.search, windows):
                self.listings.append(listing)
        except PyrusUnreachable as error:
            self.error = error

    @property
    def listed(self) -> set[int]:
        return {task.id for listing in self.listings for task in listing.tasks}


def fullest(tasks: Dates) -> int:
    """The number of tasks in the busiest second."""
    return max(Counter(second for seconds in tasks.values() for second in seconds).values(), default=0)


seconds = st.one_of(
    st.integers(0, 40),
    st.integers(1_700_000_000, 1_700_000_100),
    st.integers(-100, 100),
    st.integers(YEAR_1, YEAR_9999 - 1),
)
worlds = st.lists(st.sets(seconds, min_size=1, max_size=3), max_size=40).map(lambda dates: dict(enumerate(dates, 1)))
ends = st.sampled_from(["[]", "[)", "(]"])


@settings(deadline=None)
@given(tasks=worlds, ends=ends, dated=st.booleans(), room=st.integers(0, 5), chance=st.integers(0, 9))
def test_every_task_is_listed_if_no_second_is_overfull(
    tasks: Dates, ends: str, dated: bool, room: int, chance: int
) -> None:
    """Whether the server includes the ends or not, in any order, with dates or without."""
    cap = max(1, fullest(tasks) + room)
    server = Server(tasks, cap=cap, ends=ends, dated=dated, lot=random.Random(chance))
    walk = Walk(server)

    assert walk.error is None
    assert walk.listed == set(tasks)
    assert all(listing.complete or listing.split for listing in walk.listings)
    assert server.searches <= 3 + 130 * len(tasks)


@settings(deadline=None)
@given(tasks=worlds, ends=ends, cap=st.integers(1, 3))
def test_an_overfull_second_is_an_error_after_all_others_are_listed(tasks: Dates, ends: str, cap: int) -> None:
    full = {second for second, number in Counter(s for dates in tasks.values() for s in dates).items() if number > cap}
    walk = Walk(Server(tasks, cap=cap, ends=ends))

    assert (walk.error is not None) == bool(full)
    assert walk.listed >= {task for task, dates in tasks.items() if dates - full}


@pytest.mark.parametrize("shown", [0, 20])
@pytest.mark.parametrize("window", [Window(), Window(start=1_700_000_000)])
def test_a_server_that_always_lists_the_same_tasks_is_soon_given_up(shown: int, window: Window) -> None:
    @dataclass
    class Deaf(Server):
        async def search(self, window: Window, most: int) -> TaskList:
            self.searches += 1
            return TaskList([self._row(task) for task in range(1, shown + 1)], has_more_tasks=True)

    server = Deaf({task: {1_700_000_000 + 60 * task} for task in range(1, 51)})
    walk = Walk(server, window)

    assert "the same ones each time" in str(walk.error)
    assert walk.listed == set(range(1, shown + 1))
    assert server.searches < 1000


@settings(deadline=None)
@given(tasks=worlds, room=st.integers(0, 2))
def test_no_task_is_silently_missed_if_the_server_excludes_both_ends(tasks: Dates, room: int) -> None:
    """https://pyrus.com/en/api-v3 does not say whether it includes them."""
    walk = Walk(Server(tasks, cap=max(1, fullest(tasks) + room), ends="()"))

    assert walk.error is not None or walk.listed == set(tasks)


@settings(deadline=None)
@given(tasks=worlds, cap=st.integers(1, 3))
def test_only_a_window_that_is_listed_to_its_end_is_complete(tasks: Dates, cap: int) -> None:
    for listing in Walk(Server(tasks, cap=cap)).listings:
        start, end = listing.window.bounds
        there = {task for task, dates in tasks.items() if any(start <= second <= end for second in dates)}
        if listing.complete:
            assert {task.id for task in listing.tasks} == there


@settings(deadline=None)
@given(tasks=worlds, cap=st.integers(1, 4))
def test_the_windows_that_are_listed_cover_the_period_without_a_gap(tasks: Dates, cap: int) -> None:
    leaves = sorted(listing.window.bounds for listing in Walk(Server(tasks, cap=cap)).listings if not listing.split)

    ends = list(accumulate((end for _, end in leaves), max))
    assert (leaves[0][0], ends[-1]) == (YEAR_1, YEAR_9999)
    assert all(start <= end + 1 for (start, _), end in zip(leaves[1:], ends, strict=False))


def test_too_many_tasks_in_one_second_are_an_error() -> None:
    tasks = {task: {1_700_000_000} for task in range(10)}
    walk = Walk(Server(tasks, cap=9))

    assert "2023-11-14 22:13:20" in str(walk.error)
    assert not any(listing.tasks and listing.complete for listing in walk.listings)


def test_all_tasks_of_one_second_are_listed_if_the_server_allows_longer_lists() -> None:
    tasks = {task: {1_700_000_000} for task in range(21_000)}

    assert Walk(Server(tasks), Window(1_699_999_999, 1_700_000_002)).listed == set(tasks)


def test_a_window_that_fits_is_one_search() -> None:
    server = Server({1: {5}, 2: {7}}, cap=2)
    walk = Walk(server)

    assert [(listing.window, listing.complete) for listing in walk.listings] == [(Window(), True)]
    assert server.searches == 1


def test_only_the_given_windows_are_listed() -> None:
    server = Server({task: {task} for task in range(100)}, cap=4)
    walk = Walk(server, Window(10, 19), Window(50, 50), Window(None, 2), Window(98, None))

    assert walk.listed == {*range(10, 20), 50, 0, 1, 2, 98, 99}


def test_earlier_windows_are_listed_first() -> None:
    walk = Walk(Server({task: {task} for task in range(60)}, cap=4))
    starts = [listing.window.bounds[0] for listing in walk.listings if not listing.split]

    assert starts == sorted(starts)


def test_lists_that_are_too_large_are_split_into_shorter_ones() -> None:
    tasks = {task: {task // 3} for task in range(600)}

    assert Walk(Server(tasks, largest=100)).listed == set(tasks)


def test_a_single_row_that_is_too_large_is_an_error() -> None:
    assert isinstance(Walk(Server({1: {1}, 2: {9}}, largest=0)).error, BodyTooLarge)


@settings(deadline=None)
@given(start=st.none() | seconds, length=st.integers(1, 10**9), dates=st.lists(seconds, max_size=9))
def test_halves_overlap_and_are_shorter(start: int | None, length: int, dates: list[int]) -> None:
    window = Window(start, None if start is None else min(start + length, YEAR_9999))
    rows = [TaskHeader(number, EPOCH + timedelta(seconds=date)) for number, date in enumerate(dates)]
    parts = bisect(window, rows)

    assert (parts[0].bounds[0], parts[-1].bounds[1]) == window.bounds
    assert max(part.seconds for part in parts) < window.seconds
    shared = 1 + parts[0].bounds[1] - parts[1].bounds[0]
    assert shared == min(window.seconds - 1, 2)  # tasks that a server excludes from one half are in the other


def test_windows_are_split_at_the_median_of_the_tasks() -> None:
    dates = [datetime(2023, 11, day, tzinfo=UTC) for day in (1, 2, 3, 20, 21)]
    rows = [TaskHeader(number, EPOCH + (date - EPOCH)) for number, date in enumerate(dates)]

    assert bisect(Window(), rows)[1].start == int(dates[2].timestamp())
