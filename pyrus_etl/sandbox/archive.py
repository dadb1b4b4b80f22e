"""All tasks of an organisation, read: their bodies, their rows in lists, their dates.

A body is written from the seed, the place of the task in the row, and the few events that happened to it; only
so many are kept, so that memory does not grow with the world. What was put in by hand is kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from threading import RLock
from typing import Any

import msgspec

from . import cases, files
from .bodies import HEADER, Event, body, header
from .cases import Case
from .dice import mix
from .hours import instant, worked
from .kept import Kept
from .people import ACCOUNT
from .register import Register
from .strangers import Stranger, note_dates

Json = dict[str, Any]

INBOX = 200
MOST_KEPT, MOST_ROWS_KEPT = 20_000, 200_000


class Archive:
    """Tasks by ordinal, their place in order of creation; ids are what the outside knows them by."""

    def __init__(self, seed: int, tasks: int, start: int, history: int, origin: str) -> None:
        self.seed = seed
        self.origin = origin
        self.lock = RLock()
        self.register = Register()
        self._deleted: set[int] = set()
        self._revoked: set[int] = set()
        self._unlisted: set[int] = set()
        self._events: dict[int, tuple[Event, ...]] = {}
        self._strangers: dict[int, Stranger] = {}
        self._bodies = Kept[bytes](MOST_KEPT)
        self._rows = Kept[bytes](MOST_ROWS_KEPT)
        self._in_our_hands = Kept[bool](MOST_ROWS_KEPT)
        self._given: dict[int, int] = {}
        self._start = start
        self._laid_out = tasks
        since, until = worked(start - history), worked(start)
        for ordinal in range(tasks):
            self._lay_out(ordinal, instant(since + ordinal * (until - since) // tasks))

    def __len__(self) -> int:
        """How many tasks were ever created."""
        return len(self.register)

    def _lay_out(self, ordinal: int, created: int) -> None:
        """Enters a task of the past; only where it may be going on still has its history to be told."""
        word = mix(self.seed, ordinal)
        ended = created + cases.span(word)
        if ended <= self._start:
            self.register.append(created, ended, not cases.stuck(word))
            return
        found = cases.case(self.seed, ordinal, created, self._start)
        self.register.append(created, found.dates[-1], cases.closed(found) is not None)

    def task_ids(self) -> list[int]:
        """Ids of the tasks the account can see, in order of creation."""
        with self.lock:
            return [self.id_of(one) for one in self.visible_ordinals()]

    def body(self, task_id: int) -> bytes:
        """The answer to GetTask, whatever the account may see; KeyError where there is no such task."""
        return self.body_of(self.ordinal(task_id))

    def task(self, task_id: int) -> Json:
        """The same as an object, its fractions as Decimal."""
        found: Json = json.loads(self.body(task_id), parse_float=Decimal)
        return found

    def bodies(self) -> Iterator[tuple[int, bytes]]:
        """The truth: id and body of every visible task."""
        return ((task_id, self.body(task_id)) for task_id in self.task_ids())

    def inbox(self) -> list[int]:
        """Ids in the inbox, in its order."""
        return [self.id_of(one) for one in self.inbox_ordinals()]

    def inbox_ordinals(self) -> list[int]:
        """Open tasks in the hands of the account, the last modified first; two hundred at most."""
        found: list[int] = []
        with self.lock:
            for ordinal in self.register.newest_first():
                if not self.register.closed[ordinal] and self.listed(ordinal) and self._mine(ordinal):
                    found.append(ordinal)
                if len(found) == INBOX:
                    break
        return found

    def body_of(self, ordinal: int) -> bytes:
        put = self._strangers.get(ordinal)
        if put is not None:
            return put.body
        events = self._events.get(ordinal, ())
        return self._bodies.of(ordinal, events, lambda: self._written(ordinal, events))

    def _written(self, ordinal: int, events: tuple[Event, ...]) -> bytes:
        return msgspec.json.encode({"TaskWithNotes": body(self._case(ordinal), events, self.origin)})

    def row_of(self, ordinal: int) -> Json:
        """The row of a list."""
        put = self._strangers.get(ordinal)
        if put is not None:
            return put.row
        events = self._events.get(ordinal)
        if not events:
            return header(self._case(ordinal))
        written = body(self._case(ordinal), events, self.origin)
        return {key: written[key] for key in HEADER if key in written}

    def row_told(self, ordinal: int) -> bytes:
        """The same as JSON."""
        if ordinal in self._strangers:
            return msgspec.json.encode(self.row_of(ordinal))
        events = self._events.get(ordinal, ())
        return self._rows.of(ordinal, events, lambda: msgspec.json.encode(self.row_of(ordinal)))

    def active_dates(self, ordinal: int) -> list[int]:
        """When the task was active: the dates of its notes, and the last modification."""
        if ordinal in self._events or ordinal in self._strangers:
            return [*note_dates(self.body_of(ordinal)), self.register.modified[ordinal]]
        return list(self._case(ordinal).dates)

    def ordinal(self, task_id: int) -> int:
        """The place of a task; KeyError where there is none of that id, or no more."""
        found = self._given.get(task_id)
        if found is None:
            found = cases.ordinal_of(task_id)
        if not 0 <= found < len(self) or found in self._deleted:
            raise KeyError(task_id)
        return found

    def id_of(self, ordinal: int) -> int:
        put = self._strangers.get(ordinal)
        return cases.task_id(ordinal) if put is None else put.row["Id"]

    def visible(self, ordinal: int) -> bool:
        return ordinal not in self._deleted and ordinal not in self._revoked

    def visible_ordinals(self) -> list[int]:
        if not self._deleted and not self._revoked:
            return list(range(len(self)))
        return [one for one in range(len(self)) if self.visible(one)]

    def listed(self, ordinal: int) -> bool:
        """Whether lists show the task: what is visible, but for what they leave out."""
        return self.visible(ordinal) and ordinal not in self._unlisted

    def contents(self, file_id: int) -> bytes:
        """What a file holds; KeyError where no task in sight can have it."""
        ordinal = files.owner(file_id)
        if not 0 <= ordinal < len(self) or not self.visible(ordinal):
            raise KeyError(file_id)
        return files.contents(file_id)

    def _case(self, ordinal: int) -> Case:
        """Tasks made after the start have but their first note: what follows are events."""
        created = self.register.created[ordinal]
        return cases.case(self.seed, ordinal, created, self._start if ordinal < self._laid_out else created)

    def _mine(self, ordinal: int) -> bool:
        """Whether the account is responsible for the task."""
        if ordinal in self._strangers:
            return _names_us(self.row_of(ordinal))
        events = self._events.get(ordinal, ())
        return self._in_our_hands.of(ordinal, events, lambda: _names_us(self.row_of(ordinal)))


def _names_us(row: Json) -> bool:
    responsible = row.get("Responsible")
    if isinstance(responsible, msgspec.Raw):
        return responsible is ACCOUNT.full
    return isinstance(responsible, dict) and responsible.get("Id") == ACCOUNT.id
