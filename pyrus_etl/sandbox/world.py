"""A simulated Pyrus organisation, and everything that may happen to its tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from .archive import Archive
from .bodies import Event
from .clock import DAY, SECOND, Clock, milliseconds
from .dice import Dice
from .strangers import stranger

Json = dict[str, Any]

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
EDITS = ("comment", "comment", "comment", "attach", "change", "change", "reassign", "postpone", "refile")
DECISIONS = (
    "approve",
    "approve",
    "approve",
    "add",
    "rerequest",
    "clear",
    "unfile",
    "remove",
    "revoke",
    "reject",
)
NOTES_A_TASK = 6


class Activity(msgspec.Struct, frozen=True):
    """What `live` did: ids of tasks, in the order it happened."""

    created: tuple[int, ...]
    edited: tuple[int, ...]
    closed: tuple[int, ...]
    reopened: tuple[int, ...]

    @property
    def touched(self) -> set[int]:
        """All of them, each once."""
        return {*self.created, *self.edited, *self.closed, *self.reopened}


class World(Archive):
    """The organisation: `tasks` tasks made in the `days` before `start`, and whatever happens from then on.

    On a clock set by hand every change takes `tick` seconds, so that each has a date of its own; 0 makes
    them collide. `origin` is where files are downloaded from; a server sets it to its own address. May be
    changed in one thread while a server reads it in another.
    """

    def __init__(
        self,
        seed: int = 1,
        tasks: int = 200,
        *,
        start: datetime = START,
        days: int = 400,
        running: bool = False,
        skew: float = 0.0,
        tick: float = 1.0,
        origin: str = "http://127.0.0.1:8080",
    ) -> None:
        self.clock = Clock(start, running=running, skew=skew)
        self.tick = tick
        self._dice = Dice(seed, 1 << 32)
        self._salt = 1
        self._pace = max(tasks, 50) * NOTES_A_TASK / (days * DAY)
        super().__init__(seed, tasks, milliseconds(start), days * DAY, origin)

    def advance(self, seconds: float) -> None:
        """Time passes, and nothing happens."""
        self.clock.advance(seconds)

    def create(self, count: int = 1) -> list[int]:
        """New tasks. Their ids."""
        return [self._create() for _ in range(count)]

    def edit(self, task_id: int, role: str | None = None) -> int:
        """A note is added: of one of the `roles` (comment, attach, change, approve …), or whatever comes."""
        return self._happen(task_id, role or self._dice.pick(EDITS + DECISIONS))

    def close(self, task_id: int) -> int:
        return self._happen(task_id, "complete")

    def reopen(self, task_id: int) -> int:
        return self._happen(task_id, "reopen")

    def purge(self, task_id: int) -> int:
        """Notes but the first, form, approvals and files vanish from the payload."""
        return self._happen(task_id, "purge")

    def backdate(self, task_id: int, date: datetime) -> int:
        """The ModifiedDate is set back (or forth), and nothing else."""
        return self._happen(task_id, "backdate", milliseconds(date))

    def delete(self, task_id: int) -> int:
        """Gone: 404, and in no list."""
        self._deleted.add(self.ordinal(task_id))
        return task_id

    def restore(self, task_id: int) -> int:
        """A deleted task is back, as it was."""
        self._deleted = {one for one in self._deleted if self.id_of(one) != task_id}
        return task_id

    def revoke(self, task_id: int) -> int:
        """The account loses access: 403, and in no list."""
        self._revoked.add(self.ordinal(task_id))
        return task_id

    def grant(self, task_id: int) -> int:
        """Access comes back."""
        self._revoked.discard(self.ordinal(task_id))
        return task_id

    def put(self, task_id: int, body: bytes | Json, *, modified: datetime | str | None = "now") -> int:
        """A payload made by hand stands in place of the task, or as a new one; bytes are served as they are.

        `modified` is the date in lists: by default now, None for none at all.
        """
        with self.lock:
            now = self._tick()
            date = milliseconds(modified) if isinstance(modified, datetime) else now
            made = stranger(task_id, body, None if modified is None else date)
            try:
                ordinal = self.ordinal(task_id)
            except KeyError:
                ordinal = self.register.append(now, now, made.closed)
                self._given[task_id] = ordinal
            self._strangers[ordinal] = made
            self.register.move(ordinal, date, made.closed)
            self.register.stray(ordinal)
        return task_id

    def live(self, seconds: float, changes: int | None = None) -> Activity:
        """Some time passes as it usually does: tasks are created, edited, closed, now and then reopened.

        `changes` of them, spread evenly; or as many as the history of this world makes likely.
        """
        count = max(1, round(seconds * SECOND * self._pace)) if changes is None else changes
        touched: dict[str, list[int]] = {"created": [], "edited": [], "closed": [], "reopened": []}
        tick, self.tick = self.tick, seconds / max(count, 1)
        try:
            for _ in range(count):
                kind, task_id = self._live_once()
                touched[kind].append(task_id)
        finally:
            self.tick = tick
        return Activity(**{kind: tuple(ids) for kind, ids in touched.items()})

    def _live_once(self) -> tuple[str, int]:
        lot = self._dice.roll(100)
        if lot < 3 and (found := self._any_task(closed=True)):
            return "reopened", self.reopen(found)
        if lot < 20 and (found := self._any_task()):
            return "closed", self.close(found)
        if lot < 80 and (found := self._any_task()):
            return "edited", self.edit(found)
        return "created", self._create()

    def _any_task(self, *, closed: bool = False) -> int | None:
        """One of the tasks in sight, a recent one rather; none where a hundred tries find none."""
        for _ in range(100):
            ordinal = len(self) - 1 - self._dice.roll(1 + self._dice.roll(max(len(self), 1)))
            fits = ordinal >= 0 and bool(self.register.closed[ordinal]) == closed
            if fits and self.visible(ordinal) and ordinal not in self._strangers:
                return self.id_of(ordinal)
        return None

    def _create(self) -> int:
        with self.lock:
            now = self._tick()
            return self.id_of(self.register.append(now, now, False))

    def _happen(self, task_id: int, role: str, date: int | None = None) -> int:
        """Adds an event. A task put in by hand has no story and takes none: ValueError."""
        with self.lock:
            ordinal = self.ordinal(task_id)
            if ordinal in self._strangers:
                raise ValueError(f"task {task_id} was put in by hand: put it again instead")
            now = self._tick()
            self._salt += 1
            event = Event(role, now if date is None else date, self._salt)
            self._events[ordinal] = (*self._events.get(ordinal, ()), event)
            was = bool(self.register.closed[ordinal])
            self.register.move(ordinal, event.date, {"complete": True, "reopen": False}.get(role, was))
        return task_id

    def _tick(self) -> int:
        if self.clock.running:
            return self.clock.now()
        return self.clock.advance(self.tick)
