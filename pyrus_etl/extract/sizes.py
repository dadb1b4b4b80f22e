"""How many tasks a list may ask for: learned during a run from the answers and refusals of the server."""

import logging
from collections.abc import Awaitable, Callable, Sized
from typing import Protocol, TypeVar

from pyrus_etl.errors import BodyTooLarge, ListRefused

log = logging.getLogger(__name__)

LARGEST = 50_000_000
SHRINKAGE = 8
TRIES = 2
"""Tries of a size that the server has never answered; then a smaller one is tried."""

TooLong = (BodyTooLarge, ListRefused)


class List(Protocol):
    """The part of a list that is used here."""

    @property
    def headers(self) -> Sized: ...

    @property
    def has_more(self) -> bool | None: ...


L = TypeVar("L", bound=List)


class Sizes:
    """The sizes of a kind of list that the server answers.

    `most`: the size to ask for first. `answered`: the largest size that was answered. `refused`: the smallest size that
    was refused as too large. `cap`: the most tasks that the server returned although more were asked for and exist.
    If a size failed without a refusal before any was answered, the server may just have had a bad moment: that size is
    tried once more after a smaller one was answered.
    """

    def __init__(self, first: int, growth: int) -> None:
        self._first = first
        self._growth = growth
        self._doubtful: list[int] = []
        self.most = first
        self.answered = 0
        self.refused: int | None = None
        self.cap = -1

    def accept(self, size: int) -> None:
        self.answered = max(self.answered, size)
        self.most = max(self.most, min(size, self._first))
        if self.refused is not None and self.refused <= size:
            self.refused = None

    def refuse(self, size: int, *, certain: bool) -> None:
        if self.answered or certain:
            self._doubtful.clear()
        else:
            self._doubtful.append(size)
        self.refused = min(size, self.refused or size)
        if self.answered >= size:
            self.answered = 0
        if self.most >= size:
            self.most = max(1, self.answered or size // SHRINKAGE)

    def larger(self, size: int, *, exact: bool) -> int | None:
        """The size to ask for next if a list of this size is incomplete; None if a larger one is of no use.

        `exact`: every task counts, so the largest size that the server answers is searched for.
        """
        while self._doubtful:
            if (doubtful := self._doubtful.pop()) > size:
                return doubtful
        if self.refused is None:
            return min(size * self._growth, LARGEST) if exact and size < LARGEST else None
        if size < self.answered:
            return self.answered if exact else None
        known = max(size, self.answered)
        close = self.refused <= 2 * known or known >= self._first
        return round_number_between(known, self.refused) if exact or not close else None


async def longest(ask: Callable[[int], Awaitable[L]], sizes: Sizes, *, exact: bool) -> L:
    """Asks for a list; while it is incomplete, asks for larger ones as long as they bring more tasks.

    Raises BodyTooLarge or ListRefused if the server does not even return a list of one task.
    """
    answer = await answered_list(ask, sizes)
    latest = sizes.most
    while answer.has_more and len(answer.headers) > sizes.cap and (size := sizes.larger(latest, exact=exact)):
        try:
            longer = await ask(size)
        except TooLong as error:
            _refuse(sizes, size, error)
            continue
        sizes.accept(size)
        if len(longer.headers) <= len(answer.headers):
            sizes.cap = max(sizes.cap, len(longer.headers))
            return answer if longer.has_more else longer
        answer, latest = longer, size
    return answer


async def answered_list(ask: Callable[[int], Awaitable[L]], sizes: Sizes) -> L:
    """Asks for smaller and smaller lists, from `most` downwards, until one is answered."""
    while True:
        size = sizes.most
        try:
            answer = await ask(size)
        except TooLong as error:
            if size == 1:
                raise
            _refuse(sizes, size, error)
        else:
            sizes.accept(size)
            return answer


def _refuse(sizes: Sizes, size: int, error: BodyTooLarge | ListRefused) -> None:
    log.debug("a list of %d tasks is not served, asking for fewer: %s", size, error)
    sizes.refuse(size, certain=error.certain)


def round_number_between(low: int, high: int) -> int | None:
    """The roundest number near the middle, because people choose round limits; None if there is none in between."""
    margin = max(1, (high - low) // 4)
    first, last, middle = low + margin, high - margin, (low + high) // 2
    if first > last:
        return None
    for power in range(len(str(high)), -1, -1):
        step: int = 10**power
        nearest = round(middle / step) * step
        if first <= nearest <= last:
            return nearest
    return middle
