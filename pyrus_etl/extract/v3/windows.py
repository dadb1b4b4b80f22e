"""Windows of time and their bisection: lists have no offset, so a long list is read in shorter periods.

A window counts whole seconds, both ends included ("Milliseconds in dates are ignored", https://pyrus.com/en/api-v3).
Whether the server includes the ends is not documented, so the halves of a window share the two seconds between them.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import NamedTuple

from pyrus_etl.errors import ListOverfull
from pyrus_etl.extract.sizes import Sizes, longest
from pyrus_etl.extract.v3.wire import TaskHeader, TaskList
from pyrus_etl.model.window import Window

log = logging.getLogger(__name__)

MOST_LISTED, GROWTH = 5000, 4
"""Tasks asked for in one list, and the growth factor if a period cannot be narrowed."""
MOST_ALIKE = 100
"""Overfull seconds in a row that all show the same tasks: then the server is given up."""


class Listing(NamedTuple):
    """Tasks of a window.

    `split`: the windows to list instead, if this one is too full. `complete`: whether these are all its tasks; a window
    that is neither split nor complete cannot be listed to its end.
    """

    window: Window
    tasks: list[TaskHeader]
    split: tuple[Window, ...] = ()
    complete: bool = True


Search = Callable[[Window, int], Awaitable[TaskList]]


def search_sizes() -> Sizes:
    """How many tasks a search may ask for, before anything is learned."""
    return Sizes(MOST_LISTED, GROWTH)


async def listings(search: Search, windows: list[Window], sizes: Sizes | None = None) -> AsyncIterator[Listing]:
    """Lists every window to its end, earlier ones first, and narrows those that hold more than the server returns.

    `sizes`: what the run has learned about the length of lists; updated here.
    Raises ListOverfull if a single second holds more than the server returns, after everything else was listed;
    and at once if the server returns the same tasks for every period.
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
            raise ListOverfull(
                "Pyrus lists the same ones each time, whatever the period, and says that there are more: "
                "its tasks cannot be listed to the end; report this to the administrator of that Pyrus."
            )
    if overfull:
        raise ListOverfull(_too_many(sorted(overfull)))


def _are_alike(shown: Collection[frozenset[int]]) -> bool:
    """Whether the last `MOST_ALIKE` overfull seconds all showed the same tasks, or none."""
    return len(shown) >= MOST_ALIKE and len(set(list(shown)[-MOST_ALIKE:])) == 1


def _too_many(seconds: list[int]) -> str:
    first = datetime.fromtimestamp(seconds[0], UTC)
    number = "1 second" if len(seconds) == 1 else f"{len(seconds)} seconds"
    return (
        f"Pyrus did not list all tasks of {number} (the first is {first:%Y-%m-%d %H:%M:%S} UTC): more tasks share it "
        "than the server returns in a list. The other tasks are stored; ask Pyrus for longer lists."
    )


async def _shortest(lists: "_Lists", window: Window, answer: TaskList) -> AsyncIterator[Listing]:
    """Lists a window that is complete, or too short for a bisection.

    A short window is listed second by second in the end. A server that excludes both ends would return nothing for one
    second, so the single seconds must contain the tasks that the window contained.
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
    """Asks for lists of windows, as long as the server allows."""

    def __init__(self, search: Search, sizes: Sizes) -> None:
        self._search = search
        self._sizes = sizes

    async def of(self, window: Window) -> TaskList:
        """Lists the window; if it can hardly be narrowed, asks for more tasks as long as the list grows."""
        return await longest(lambda most: self._search(window, most), self._sizes, exact=window.seconds <= 2)


def bisect(window: Window, listed: list[TaskHeader]) -> tuple[Window, ...]:
    """Splits a full window in two, at the median date of the listed tasks."""
    start, end = window.bounds
    if end - start == 1:
        return Window(start, start), Window(end, end)
    if end - start == 2:
        return Window(start, start + 1), Window(start + 1, end)
    dates = sorted(int(task.modified_date.timestamp()) for task in listed if task.modified_date)
    inside = [date for date in dates if start < date < end - 1]
    middle = inside[len(inside) // 2] if inside else (start + end) // 2
    return Window(window.start, middle + 1), Window(middle, window.end)
