"""A simulated Pyrus organisation, and everything that can happen to its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.clock import DAY, SECOND, Clock, milliseconds
from pyrus_etl.sandbox.organisation.dice import Dice
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.sandbox.tasks.bodies import Event
from pyrus_etl.sandbox.tasks.comments import FIRST_UPLOADED, Comment, File
from pyrus_etl.sandbox.tasks.effects import says_something
from pyrus_etl.sandbox.world.newtasks import NewTask, case_of
from pyrus_etl.sandbox.world.overrides import Override, date_of, override, override_v4
from pyrus_etl.sandbox.world.presence import Presence

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
    """The changes that `live` made: ids of tasks, in the order of the changes."""

    created: tuple[int, ...]
    edited: tuple[int, ...]
    closed: tuple[int, ...]
    reopened: tuple[int, ...]

    @property
    def touched(self) -> set[int]:
        """The ids of all changed tasks."""
        return {*self.created, *self.edited, *self.closed, *self.reopened}


class World(Presence):
    """The organisation: `tasks` tasks created in the `days` before `start`, and everything that happens after it.

    Unless the clock is `running`, each change takes `tick` seconds, so that it has its own date; with 0, dates
    collide. Files are downloaded from `origin`, which a server sets to its own address. One thread may change a
    world while a server reads it in another. With `private_notes`, only the first account sees every note.
    With `forms`, there are this number of forms, of equal size, and 5 % of the tasks have none.
    `watcher` is called with the id of each task that is created or changed.
    `older` makes API v4 write tasks as it did in 2021: creation dates in forms are days, a skipped step is `[]`.
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
        private_notes: bool = False,
        forms: int | None = None,
        older: bool = False,
    ) -> None:
        self.clock = Clock(start, running=running, skew=skew)
        self.tick = tick
        self._dice = Dice(seed, 1 << 32)
        self._salt = 1
        self._files = 0
        self._new_files: list[File] = []
        self.watcher: Callable[[int], object] | None = None
        self._pace = max(tasks, 50) * NOTES_A_TASK / (days * DAY)
        history, begun = days * DAY, milliseconds(start)
        super().__init__(seed, tasks, begun, history, origin, private_notes=private_notes, forms=forms, older=older)

    def advance(self, seconds: float) -> None:
        """Moves the clock forward without any change to a task."""
        self.clock.advance(seconds)

    def create(self, count: int = 1) -> list[int]:
        """Creates tasks and returns their ids."""
        return [self._create() for _ in range(count)]

    def edit(self, task_id: int, role: str | None = None) -> int:
        """Adds a note with this role (comment, attach, change, approve …: see `roles`), or with a random one."""
        return self._happen(task_id, role or self._dice.pick(EDITS + DECISIONS))

    def comment(
        self,
        task_id: int,
        text: str = "",
        files: Iterable[tuple[str, bytes, int | None]] = (),
        *,
        author: int = ACCOUNT.id,
        action: str = "",
    ) -> int:
        """Adds a comment of an account. `files`: name and content of each, and the id of its first version, if any.

        `action` is one of `comments.CLOSES`.
        """
        sent = tuple(self.file(*file) for file in files)
        self.write(task_id, Comment(author=author, text=text, files=sent, action=action))
        return task_id

    def write(self, task_id: int, comment: Comment) -> bool:
        """Adds a comment of an account, unless it says nothing and changes nothing; whether it was added."""
        with self.lock:
            ordinal = self.ordinal(task_id)
            self._with_events(ordinal)
            written = Event("by an API", self.clock.now(), 0, self.clock.now(), comment)
            after = self.draft(ordinal, (*self.events(ordinal), written))
            if not says_something(after, comment):
                return False
            self._happen(task_id, "by an API", comment=comment, closed=after.closed is not None)
            self._keep_files(ordinal)
        return True

    def add(self, new: NewTask) -> int:
        """Creates a task that an account describes; returns its id."""
        with self.lock:
            ordinal, now = len(self), self._tick()
            self._made[ordinal] = case_of(new, self.seed, ordinal, now)
            task_id = self.id_of(self.register.append(now, now, False))
            self._happen(task_id, "by an API", now, new.opening)
            self._keep_files(ordinal)
        return task_id

    def file(self, name: str, content: bytes, root: int | None = None, url: str = "") -> File:
        """A file for the next comment, with an id of its own."""
        with self.lock:
            made = File(FIRST_UPLOADED + self._files, name, content, root, url)
            self._files += 1
            self._new_files.append(made)
            return made

    def _keep_files(self, ordinal: int) -> None:
        """From now on, the task has the contents of the new files."""
        self._uploaded |= {file.id: (ordinal, file) for file in self._new_files if not file.url}
        self._new_files.clear()

    def close(self, task_id: int) -> int:
        return self._happen(task_id, "complete")

    def reopen(self, task_id: int) -> int:
        return self._happen(task_id, "reopen")

    def edit_note(self, task_id: int, *, silent: bool = False) -> int:
        """Changes the text of one note. If `silent`, the task's date does not move."""
        return self._happen(task_id, "amend", self._date(task_id) if silent else None)

    def delete_note(self, task_id: int, *, silent: bool = False) -> int:
        """Deletes one note, but never the first. If `silent`, the task's date does not move."""
        return self._happen(task_id, "retract", self._date(task_id) if silent else None)

    def take_out(self, task_id: int) -> int:
        """Takes the task out of all its lists; it stays in its form."""
        return self._happen(task_id, "withdraw")

    def purge(self, task_id: int) -> int:
        """Removes the notes except the first, the form, the approvals and the files from the payload."""
        return self._happen(task_id, "purge")

    def backdate(self, task_id: int, date: datetime) -> int:
        """Sets the ModifiedDate back (or forward) and changes nothing else."""
        return self._happen(task_id, "backdate", milliseconds(date))

    def put(
        self,
        task_id: int,
        body: bytes | Json,
        *,
        modified: datetime | str | None = "now",
        api: str = "v3",
        row: Json | None = None,
    ) -> int:
        """Replaces the task by a payload, or adds it as a new task; bytes are served as they are.

        `api` is the API of the payload. Both APIs serve it, each in its words; API v3 shows only the header of a
        payload of API v4. `modified` is the date in lists: now by default, or the date in a payload of API v4; None
        leaves it out. `row` is the row of the register over API v4; by default, it follows from the payload.
        """
        with self.lock:
            now = self._tick()
            own = date_of(body) if api == "v4" and modified == "now" else None
            date = milliseconds(modified) if isinstance(modified, datetime) else own or now
            listed = None if modified is None else date
            found = override_v4(task_id, body, listed, row) if api == "v4" else override(task_id, body, listed)
            return self._seen(self._override(task_id, msgspec.structs.replace(found, at=now), now, date))

    def _override(self, task_id: int, found: Override, now: int, date: int) -> int:
        try:
            ordinal = self.ordinal(task_id)
        except KeyError:
            ordinal = self.register.append(now, now, found.closed)
            self._override_ordinals[task_id] = ordinal
        self._overrides[ordinal] = found
        self.register.move(ordinal, date, found.closed)
        self.register.stray(ordinal)
        return task_id

    def live(self, seconds: float, changes: int | None = None) -> Activity:
        """Lets `seconds` pass with the usual changes: tasks are created, edited, closed and sometimes reopened.

        Makes `changes` changes, spread evenly; by default as many as the rate of this world's history gives.
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
        """A random visible task, more often a recent one; None if 100 tries do not find one."""
        for _ in range(100):
            ordinal = len(self) - 1 - self._dice.roll(1 + self._dice.roll(max(len(self), 1)))
            matches = ordinal >= 0 and bool(self.register.closed[ordinal]) == closed
            if matches and self.visible(ordinal) and ordinal not in self._overrides:
                return self.id_of(ordinal)
        return None

    def _create(self) -> int:
        with self.lock:
            now = self._tick()
            return self._seen(self.id_of(self.register.append(now, now, False)))

    def _happen(
        self,
        task_id: int,
        role: str,
        date: int | None = None,
        comment: Comment | None = None,
        *,
        closed: bool | None = None,
    ) -> int:
        """Adds an event, after which the task is `closed` or not. A task with an override has no events: ValueError."""
        with self.lock:
            ordinal = self.ordinal(task_id)
            self._with_events(ordinal)
            now = self._tick() if date is None or comment is None else date
            self._salt += 1
            event = Event(role, now if date is None else date, self._salt, now, comment)
            self._events[ordinal] = (*self._events.get(ordinal, ()), event)
            was = bool(self.register.closed[ordinal]) if closed is None else closed
            self.register.move(ordinal, event.date, {"complete": True, "reopen": False}.get(role, was))
        return self._seen(task_id)

    def _with_events(self, ordinal: int) -> None:
        if ordinal in self._overrides:
            ours = self.id_of(ordinal)
            raise ValueError(f"task {ours} has a payload of its own; put a new payload instead of an event")

    def _seen(self, task_id: int) -> int:
        if self.watcher:
            self.watcher(task_id)
        return task_id

    def _date(self, task_id: int) -> int:
        return self.register.modified[self.ordinal(task_id)]

    def _tick(self) -> int:
        if self.clock.running:
            return self.clock.now()
        return self.clock.advance(self.tick)
