"""Lists of tasks of any length: read row by row as they arrive, and held in a few bytes a task."""

import re
from array import array
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.errors import BodyTooLarge
from pyrus_etl.extract.v3.dates import EPOCH, parse_instant
from pyrus_etl.extract.v3.read import decode
from pyrus_etl.extract.v3.wire import TaskHeader, TaskList

LONGEST_HELD = 1 << 20
"""Bytes of a list that may be held before the rows in them are read."""
LOOKED_AT = 1 << 16
MOST_TRIES = 8
MOST_UNASKED = 1_000_000
"""Rows that a list may have though fewer were asked for: more are a list without end."""

_MICROSECOND = timedelta(microseconds=1)
_UNDATED = -(2**63)
_HEAD = re.compile(rb"\s*\{\s*\"Tasks\"\s*:\s*\[")
_BETWEEN_OBJECTS = re.compile(rb"\}\s*,\s*(?=\{)")


class Headers:
    """Headers of tasks in the order of a list, sixteen bytes each."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._dates = array("q")

    def append(self, header: TaskHeader) -> None:
        date = header.modified_date
        self._ids.append(header.id)
        self._dates.append(_UNDATED if date is None else (date - EPOCH) // _MICROSECOND)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[TaskHeader]:
        for task_id, date in zip(self._ids, self._dates, strict=True):
            yield TaskHeader(task_id, None if date == _UNDATED else EPOCH + timedelta(microseconds=date))


class LongList(NamedTuple):
    """A list of any length; `has_more_tasks` where it is not the whole of it."""

    headers: Headers
    has_more_tasks: bool


class Sieve:
    """Takes the complete rows out of a list that is still arriving: see `client.Request`.

    Whatever is not understood stays in the body, and is judged when that is whole.
    """

    def __init__(self, asked: int) -> None:
        self._most = max(asked, MOST_UNASKED)
        self.restart()

    def restart(self) -> None:
        self.headers = Headers()
        self.unreadable = 0
        self._next_look = LONGEST_HELD

    def sift(self, body: bytearray) -> None:
        """Takes the rows at the front out of the body, from time to time, as far as they are complete.

        Raises BodyTooLarge for a list without end.
        """
        if len(body) < self._next_look:
            return
        if len(self.headers) > self._most:
            raise BodyTooLarge(f"a list has more than {self._most} tasks, where fewer were asked for")
        head = _HEAD.match(body)
        if head and (end := self._take(body, head.end())):
            del body[head.end() : end]
        self._next_look = max(LONGEST_HELD, 2 * len(body))

    def _take(self, body: bytearray, start: int) -> int:
        """Reads the rows from `start` to the last place that ends one; returns what comes behind it, 0 for no place.

        Between two objects may be the end of a row, or a place within one, or in a text: but only what ends with a row
        is JSON when it is put in brackets.
        """
        for place in _places(body, start)[:MOST_TRIES]:
            rows = storable(b"[" + body[start : place.start() + 1] + b"]")
            try:
                read, unreadable = decode(rows, list[TaskHeader | None], mend=_without_unreadable_dates)
            except msgspec.ValidationError:
                raise
            except msgspec.DecodeError:
                continue
            self._add(read, unreadable)
            return place.end()
        return 0

    def read(self, body: bytes) -> tuple[LongList, int]:
        """The list, from what was taken and what is left, and how many dates in it could not be read."""
        rest, unreadable = read_list(body, begun=len(self.headers) > 0)
        self._add(rest.tasks or [], unreadable)
        return LongList(self.headers, bool(rest.has_more_tasks)), self.unreadable

    def _add(self, rows: list[TaskHeader | None], unreadable: int) -> None:
        for header in rows:
            if header:
                self.headers.append(header)
        self.unreadable += unreadable


def _mended(told: Any) -> int:
    return _without_unreadable_dates(told.get("Tasks")) if isinstance(told, dict) else 0


def _without_unreadable_dates(rows: Any) -> int:
    """Takes dates that cannot be read out of the rows of a list, plain JSON; returns how many they were."""
    unreadable = 0
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("ModifiedDate") is not None:
            try:
                parse_instant(row["ModifiedDate"])
            except ValueError:
                row["ModifiedDate"] = None
                unreadable += 1
    return unreadable


def _places(body: bytearray, start: int) -> list[re.Match[bytes]]:
    """Where rows may end, the last first, near the end of the body."""
    return list(_BETWEEN_OBJECTS.finditer(body, max(start, len(body) - LOOKED_AT)))[::-1]


def read_list(body: bytes, *, begun: bool = False) -> tuple[TaskList, int]:
    """A list of tasks; a date in it may be unreadable, but nothing else: what seems empty has to be empty."""
    body = storable(body)
    listed, unreadable = decode(body, TaskList, mend=_mended)
    if not listed.tasks and not begun:
        names = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).keys()
        if names and not names & {"Tasks", "HasMoreTasks"}:
            raise msgspec.ValidationError("an object that is no list of tasks")
    return listed, unreadable
