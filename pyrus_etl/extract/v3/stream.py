"""Lists of tasks of any length: read row by row as they arrive, and held in sixteen bytes per task."""

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
"""Bytes of a list to collect before its rows are read."""
LOOKED_AT = 1 << 16
"""Bytes at the end of the body in which the end of a row is searched for."""
MOST_TRIES = 8
MOST_UNASKED = 1_000_000
"""Rows that a list may have even if fewer were asked for; a longer list is taken to be endless."""

_MICROSECOND = timedelta(microseconds=1)
_UNDATED = -(2**63)
_HEAD = re.compile(rb"\s*\{\s*\"Tasks\"\s*:\s*\[")
_BETWEEN_OBJECTS = re.compile(rb"\}\s*,\s*(?=\{)")


class Headers:
    """Task headers in the order of the list, sixteen bytes each."""

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
    """A list of any length; `has_more_tasks` if it is incomplete."""

    headers: Headers
    has_more_tasks: bool

    @property
    def has_more(self) -> bool:
        return self.has_more_tasks


class Sieve:
    """Removes the complete rows from a list that is still arriving: see `client.Request`.

    Anything unexpected stays in the body and is judged when the body is complete.
    """

    def __init__(self, asked: int) -> None:
        self._most = max(asked, MOST_UNASKED)
        self.restart()

    def restart(self) -> None:
        self.headers = Headers()
        self.unreadable = 0
        self._next_look = LONGEST_HELD

    def sift(self, body: bytearray) -> None:
        """Removes the complete rows at the front of the body, each time it has grown enough.

        Raises BodyTooLarge if the list is endless.
        """
        if len(body) < self._next_look:
            return
        if len(self.headers) > self._most:
            raise BodyTooLarge(f"a list has more than {self._most} tasks, although fewer were asked for")
        head = _HEAD.match(body)
        if head and (end := self._take(body, head.end())):
            del body[head.end() : end]
        self._next_look = max(LONGEST_HELD, 2 * len(body))

    def _take(self, body: bytearray, start: int) -> int:
        """Reads the rows from `start` to the last one that is complete; returns the position after them, 0 if none is.

        The gap between two objects may lie between rows, within a row, or in a text. Only if it lies between rows, the
        part before it is JSON when put in brackets.
        """
        for gap in _gaps(body, start)[:MOST_TRIES]:
            rows = storable(b"[" + body[start : gap.start() + 1] + b"]")
            try:
                read, unreadable = decode(rows, list[TaskHeader | None], drop=_drop_unreadable_dates)
            except msgspec.ValidationError:
                raise
            except msgspec.DecodeError:
                continue
            self._add(read, unreadable)
            return gap.end()
        return 0

    def read(self, body: bytes) -> tuple[LongList, int]:
        """The list, from the removed rows and the rest of the body, and the number of unreadable dates in it."""
        rest, unreadable = read_list(body, begun=len(self.headers) > 0)
        self._add(rest.tasks or [], unreadable)
        return LongList(self.headers, bool(rest.has_more_tasks)), self.unreadable

    def _add(self, rows: list[TaskHeader | None], unreadable: int) -> None:
        for header in rows:
            if header:
                self.headers.append(header)
        self.unreadable += unreadable


def _drop_from_list(parsed: Any) -> int:
    return _drop_unreadable_dates(parsed.get("Tasks")) if isinstance(parsed, dict) else 0


def _drop_unreadable_dates(rows: Any) -> int:
    """Sets unreadable dates in the rows of a list (plain JSON) to null; returns how many there were."""
    unreadable = 0
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("ModifiedDate") is not None:
            try:
                parse_instant(row["ModifiedDate"])
            except ValueError:
                row["ModifiedDate"] = None
                unreadable += 1
    return unreadable


def _gaps(body: bytearray, start: int) -> list[re.Match[bytes]]:
    """Gaps between objects near the end of the body, the last one first; a row may end there."""
    return list(_BETWEEN_OBJECTS.finditer(body, max(start, len(body) - LOOKED_AT)))[::-1]


def read_list(body: bytes, *, begun: bool = False) -> tuple[TaskList, int]:
    """Reads a list. Unreadable dates are dropped; anything else that does not fit is an error.

    So an empty result is really empty. `begun`: whether rows of it were removed before.
    """
    body = storable(body)
    listed, unreadable = decode(body, TaskList, drop=_drop_from_list)
    if not listed.tasks and not begun:
        names = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).keys()
        if names and not names & {"Tasks", "HasMoreTasks"}:
            raise msgspec.ValidationError("an object that is not a list of tasks")
    return listed, unreadable
