"""The dates of all tasks in compact arrays, and the search for the tasks of a period.

Tasks are plain integers here, their ordinals. A million tasks take about 25 MB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from heapq import merge

SECOND = 1000
MOST_UNSORTED = 4096


class Register:
    """Created and modified dates (milliseconds) and the open flag, by ordinal.

    Ordinals are kept sorted by modification. Those modified since the last sort are a separate set until there are
    many. `_astray` holds the ordinals whose dates are not in order: backdated tasks, and payloads that a test put in.
    """

    def __init__(self) -> None:
        self.created = array("q")
        self.modified = array("q")
        self.closed = bytearray()
        self._order = array("q")
        self._sorted = 0
        self._moved: set[int] = set()
        self._astray: set[int] = set()

    def __len__(self) -> int:
        return len(self.created)

    def append(self, created: int, modified: int, closed: bool) -> int:
        """Adds a task and returns its ordinal."""
        self.created.append(created)
        self.modified.append(modified)
        self.closed.append(closed)
        return len(self.created) - 1

    def move(self, ordinal: int, modified: int, closed: bool) -> None:
        if modified < self.modified[ordinal]:
            self.stray(ordinal)
        self.modified[ordinal] = modified
        self.closed[ordinal] = closed
        if ordinal < self._sorted:
            self._moved.add(ordinal)

    def stray(self, ordinal: int) -> None:
        """Marks a task that may have been active at any time, regardless of its dates."""
        self._astray.add(ordinal)

    def modified_within(self, first: int | None, last: int | None) -> list[int]:
        """Ordinals modified between two instants, both included, with a precision of one second."""
        self._settle()
        key = self._second
        low = 0 if first is None else bisect_left(self._order, first // SECOND, key=key)
        high = len(self._order) if last is None else bisect_right(self._order, last // SECOND, key=key)
        settled = self._order[low:high]
        found = [one for one in settled if one not in self._moved] if self._moved else list(settled)
        for one in self._unsettled():
            if (first is None or key(one) >= first // SECOND) and (last is None or key(one) <= last // SECOND):
                found.append(one)
        return found

    def alive_within(self, first: int | None, last: int | None) -> list[int]:
        """Ordinals that may have been active in the period: created by `last` and modified since `first`, or astray.

        Ordinals are in order of creation, so the creation date needs no index.
        """
        created = (
            len(self) if last is None else bisect_right(self.created, last // SECOND, key=lambda date: date // SECOND)
        )
        floor = -1 if first is None else first // SECOND
        if created < len(self) // 2:
            found = [one for one in range(created) if self._second(one) >= floor]
        else:
            found = [one for one in self.modified_within(first, None) if one < created]
        return [*(one for one in found if one not in self._astray), *self._astray] if self._astray else found

    def newest_first(self) -> Iterator[int]:
        """All ordinals, the last modified first."""
        self._settle()
        settled = (one for one in reversed(self._order) if one not in self._moved)
        late = sorted(self._unsettled(), key=self.modified.__getitem__, reverse=True)
        return merge(settled, late, key=self.modified.__getitem__, reverse=True)

    def _second(self, ordinal: int) -> int:
        return self.modified[ordinal] // SECOND

    def _unsettled(self) -> Iterator[int]:
        yield from self._moved
        yield from range(self._sorted, len(self.modified))

    def _settle(self) -> None:
        """Sorts again if more than `MOST_UNSORTED` tasks are new or modified since the last sort."""
        if len(self._moved) + len(self) - self._sorted > MOST_UNSORTED:
            self._order = array("q", sorted(range(len(self)), key=self.modified.__getitem__))
            self._sorted = len(self._order)
            self._moved.clear()
