"""Periods of time and their bisection: how a list without an offset is read to its end.

A window counts whole seconds, both ends included ("Milliseconds in dates are ignored", the vendor's page). Whether
the server includes its ends is not documented, so the halves of a window share the two seconds between them.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import NamedTuple

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.extract.v3.sizes import Sizes, longest
from pyrus_etl.extract.v3.wire import TaskHeader, TaskList

log = logging.getLogger(__name__)

YEAR_1, YEAR_9999 = -62_135_596_800, 253_402_300_799
MOST_LISTED, GROWTH = 5000, 4
"""Tasks asked for in one list, and how much more where periods cannot be narrowed."""
MOST_ALIKE = 100
"""Seconds in a row, each too full to be listed, that may show the same tasks."""


class Window(NamedTuple):
    """A period in seconds since 1970, both ends included; None is no end."""

    start: int | None = None
    end: int | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        return (YEAR_1 if self.start is None else self.start, YEAR_9999 if self.end is None else self.end)

    @property
    def seconds(self) -> int:
        """How far its ends are apart."""
        start, end = self.bounds
        return end - start


class Listing(NamedTuple):
    """Tasks of a window.

    `split`: the windows to list in its place, where it is too full to be listed. `complete`: whether these are all
    its tasks; a window that is neither split nor complete cannot be listed to its end.
    """

    window: Window
    tasks: list[TaskHeader]
    split: tuple[Window, ...] = ()
    complete: bool = True


Search = Callable[[Window, int], Awaitable[TaskList]]


def search_sizes() -> Sizes:
    """How many tasks a search may be asked for, with nothing learned yet."""
    return Sizes(MOST_LISTED, GROWTH)


async def listings(search: Search, windows: list[Window], sizes: Sizes | None = None) -> AsyncIterator[Listing]:
    """Lists every window to its end, the earlier first, narrowing those that hold more than the server returns.

    `sizes` is what the run has learned of the length of lists, and learns here.
    Raises PyrusUnreachable for seconds that alone hold more than that, after everything else was listed, and at once
    where the server shows the same whatever period it is asked for.
    """
    lists = _Lists(search, sizes or search_sizes())
    pending = windows[::-1]
    overfull: dict[int, frozenset[int]] = {}
    while pending:
        window = pending.pop()
        answer = await lists.of(window)
        if answer.has_more_tasks and window.seconds > 2:
            halves = bisect(window, answer.headers)
            yield Listing(window, [], split=halves, complete=False)
            pending += halves[::-1]
            continue
        async for listing in _shortest(lists, window, answer):
            if not (listing.complete or listing.split):
                overfull[listing.window.bounds[0]] = frozenset(task.id for task in listing.tasks)
            yield listing
        if _are_alike(overfull.values()):
            raise PyrusUnreachable(
                "Pyrus says of every period that it holds more tasks than it lists, and lists the same ones each time: "
                "what it serves cannot be listed to its end; report this to whoever runs that Pyrus."
            )
    if overfull:
        raise PyrusUnreachable(_too_many(sorted(overfull)))


def _are_alike(shown: Collection[frozenset[int]]) -> bool:
    """Whether the last of many overfull seconds all showed the same tasks, or none."""
    return len(shown) >= MOST_ALIKE and len(set(list(shown)[-MOST_ALIKE:])) == 1


def _too_many(seconds: list[int]) -> str:
    first = datetime.fromtimestamp(seconds[0], UTC)
    number = "1 second" if len(seconds) == 1 else f"{len(seconds)} seconds"
    return (
        f"Pyrus would not list all tasks of {number} (the first is {first:%Y-%m-%d %H:%M:%S} UTC): more tasks share it "
        "than the server returns in a list. The other tasks are stored; ask Pyrus for longer lists."
    )


async def _shortest(lists: "_Lists", window: Window, answer: TaskList) -> AsyncIterator[Listing]:
    """A window that is listed to its end, or that is too short for a bisection.

    The seconds of a short one are listed one by one in the end. A server that leaves out the ends of a period then has
    nothing to show, so what it showed of them together must be there again.
    """
    if not answer.has_more_tasks or window.seconds == 0:
        yield Listing(window, answer.headers, complete=not answer.has_more_tasks)
        return
    halves = bisect(window, [])
    yield Listing(window, [], split=halves, complete=False)
    answers = [await lists.of(half) for half in halves]
    listed = {task.id for half in answers for task in half.headers}
    overfull = any(half.has_more_tasks for half in answers)
    trusted = overfull or listed.issuperset(task.id for task in answer.headers)
    for half, half_answer in zip(halves, answers, strict=True):
        if trusted:
            async for listing in _shortest(lists, half, half_answer):
                yield listing
        else:
            yield Listing(half, half_answer.headers, complete=False)


class _Lists:
    """Asks for the list of a window, as long as it may be."""

    def __init__(self, search: Search, sizes: Sizes) -> None:
        self._search = search
        self._sizes = sizes

    async def of(self, window: Window) -> TaskList:
        """A list of the window; one that cannot be narrowed far is asked for more and more, while that brings more."""
        return await longest(lambda most: self._search(window, most), self._sizes, exact=window.seconds <= 2)


def bisect(window: Window, listed: list[TaskHeader]) -> tuple[Window, ...]:
    """Two windows in place of a full one: at the median of what was listed, which is where the tasks are."""
    start, end = window.bounds
    if end - start == 1:
        return Window(start, start), Window(end, end)
    if end - start == 2:
        return Window(start, start + 1), Window(start + 1, end)
    dates = sorted(int(task.modified_date.timestamp()) for task in listed if task.modified_date)
    inside = [date for date in dates if start < date < end - 1]
    middle = inside[len(inside) // 2] if inside else (start + end) // 2
    return Window(window.start, middle + 1), Window(middle, window.end)
