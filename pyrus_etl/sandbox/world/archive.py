"""Read access to all tasks of an organisation: their bodies, their rows in lists, their dates.

A body is computed from the seed, the task's ordinal and its events, which are few. Only a limited number of bodies is
cached, so memory does not grow with the organisation. Payloads that a test put in are stored as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from threading import RLock
from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.dice import mix
from pyrus_etl.sandbox.organisation.forms import Kind
from pyrus_etl.sandbox.organisation.hours import instant, worked
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.sandbox.tasks import cases, files
from pyrus_etl.sandbox.tasks.bodies import HEADER, Event, body, draft_of, header, public
from pyrus_etl.sandbox.tasks.cases import Case
from pyrus_etl.sandbox.tasks.comments import File
from pyrus_etl.sandbox.tasks.drafts import Draft
from pyrus_etl.sandbox.v4.archive import ArchiveV4
from pyrus_etl.sandbox.world.cache import Cache
from pyrus_etl.sandbox.world.overrides import Override, note_dates
from pyrus_etl.sandbox.world.register import Register
from pyrus_etl.sandbox.world.uploads import Uploads

Json = dict[str, Any]

INBOX = 200
MOST_CACHED, MOST_ROWS_CACHED = 20_000, 200_000


class Archive:
    """Tasks by ordinal, which is their position in order of creation. Clients know them by id only."""

    def __init__(
        self,
        seed: int,
        tasks: int,
        start: int,
        history: int,
        origin: str,
        *,
        private_notes: bool = False,
        forms: int | None = None,
        older: bool = False,
    ) -> None:
        self.seed = seed
        self.kinds = cases.kinds_of(forms) if forms else cases.KIND_OF
        self.private_notes = private_notes
        self.older = older
        self.origin = origin
        self.files_origin: str | None = None
        self.lock = RLock()
        self.register = Register()
        self.uploads = Uploads(seed)
        self._uploaded: dict[int, tuple[int, File]] = {}
        self._made: dict[int, Case] = {}
        self._names = Cache[dict[int, str]](MOST_CACHED)
        self._deleted: set[int] = set()
        self._revoked: set[int] = set()
        self._unlisted: set[int] = set()
        self.v4 = ArchiveV4(self)
        self._hidden: dict[int, set[int]] = {}
        self._events: dict[int, tuple[Event, ...]] = {}
        self._overrides: dict[int, Override] = {}
        self._bodies = Cache[bytes](MOST_CACHED)
        self._rows = Cache[bytes](MOST_ROWS_CACHED)
        self._ours = Cache[bool](MOST_ROWS_CACHED)
        self._override_ordinals: dict[int, int] = {}
        self._start = start
        self._laid_out = tasks
        since, until = worked(start - history), worked(start)
        for ordinal in range(tasks):
            self._lay_out(ordinal, instant(since + ordinal * (until - since) // tasks))

    def __len__(self) -> int:
        """The number of tasks ever created, deleted ones included."""
        return len(self.register)

    def _lay_out(self, ordinal: int, created: int) -> None:
        """Registers a task of the past; its history is computed only if it may not have ended yet."""
        word = mix(self.seed, ordinal)
        ended = created + cases.span(word, self.kinds)
        if ended <= self._start:
            self.register.append(created, ended, not cases.stuck(word))
            return
        found = cases.case(self.seed, ordinal, created, self._start, self.kinds)
        self.register.append(created, found.dates[-1], cases.closed(found) is not None)

    def task_ids(self, viewer: int = ACCOUNT.id) -> list[int]:
        """Ids of the tasks that an account can see, in order of creation."""
        with self.lock:
            return [self.id_of(one) for one in self.visible_ordinals(viewer)]

    def body(self, task_id: int, viewer: int = ACCOUNT.id) -> bytes:
        """The answer to GetTask, even if the account cannot see the task. KeyError if it does not exist."""
        return self.body_of(self.ordinal(task_id), viewer)

    def task(self, task_id: int) -> Json:
        """The same, parsed; fractions are Decimal."""
        found: Json = json.loads(self.body(task_id), parse_float=Decimal)
        return found

    def bodies(self) -> Iterator[tuple[int, bytes]]:
        """Id and body of every visible task, to compare a copy with."""
        return ((task_id, self.body(task_id)) for task_id in self.task_ids())

    def inbox(self, viewer: int = ACCOUNT.id) -> list[int]:
        """Ids in the inbox of an account, in its order."""
        return [self.id_of(one) for one in self.inbox_ordinals(viewer)]

    def inbox_ordinals(self, viewer: int = ACCOUNT.id) -> list[int]:
        """Open tasks for which the account is responsible, the last modified first; at most `INBOX`."""
        found: list[int] = []
        with self.lock:
            for ordinal in self.register.newest_first():
                if not self.register.closed[ordinal] and self.listed(ordinal, viewer) and self._is_of(ordinal, viewer):
                    found.append(ordinal)
                if len(found) == INBOX:
                    break
        return found

    def body_of(self, ordinal: int, viewer: int = ACCOUNT.id) -> bytes:
        override = self._overrides.get(ordinal)
        if override is not None:
            return override.body
        events = self._events.get(ordinal, ())
        written = self._bodies.of(ordinal, events, lambda: self._written(ordinal, events))
        return public(written) if self.private_notes and viewer != ACCOUNT.id else written

    def _written(self, ordinal: int, events: tuple[Event, ...]) -> bytes:
        return msgspec.json.encode({"TaskWithNotes": body(self.case(ordinal), events, self.origin)})

    def row_of(self, ordinal: int) -> Json:
        """The task's row in a list."""
        override = self._overrides.get(ordinal)
        if override is not None:
            return override.row
        events = self._events.get(ordinal)
        if not events:
            return header(self.case(ordinal))
        written = body(self.case(ordinal), events, self.origin)
        return {key: written[key] for key in HEADER if key in written}

    def row_json(self, ordinal: int) -> bytes:
        """The same as JSON."""
        if ordinal in self._overrides:
            return msgspec.json.encode(self.row_of(ordinal))
        events = self._events.get(ordinal, ())
        return self._rows.of(ordinal, events, lambda: msgspec.json.encode(self.row_of(ordinal)))

    def active_dates(self, ordinal: int) -> list[int]:
        """The dates of the task's notes, and of its last modification."""
        if ordinal in self._events or ordinal in self._overrides:
            return [*note_dates(self.body_of(ordinal)), self.register.modified[ordinal]]
        return list(self.case(ordinal).dates)

    def ordinal(self, task_id: int) -> int:
        """The ordinal of a task; KeyError if no task has the id, or if it was deleted."""
        found = self._override_ordinals.get(task_id)
        if found is None:
            found = cases.ordinal_of(task_id)
        if not 0 <= found < len(self) or found in self._deleted:
            raise KeyError(task_id)
        return found

    def id_of(self, ordinal: int) -> int:
        override = self._overrides.get(ordinal)
        return cases.task_id(ordinal) if override is None else override.row["Id"]

    def exists(self, ordinal: int) -> bool:
        """Whether the task was created and not deleted."""
        return 0 <= ordinal < len(self) and ordinal not in self._deleted

    def visible(self, ordinal: int, viewer: int = ACCOUNT.id) -> bool:
        is_hidden = ordinal in self._hidden.get(viewer, ())
        may_be_seen = not is_hidden and ordinal not in self._deleted and ordinal not in self._revoked
        return may_be_seen and (not self.v4.directory.levels or self.v4.may_read(ordinal, viewer))

    def visible_ordinals(self, viewer: int = ACCOUNT.id) -> list[int]:
        if not (self._deleted or self._revoked or self._hidden or self.v4.directory.levels):
            return list(range(len(self)))
        return [one for one in range(len(self)) if self.visible(one, viewer)]

    def listed(self, ordinal: int, viewer: int = ACCOUNT.id) -> bool:
        """Whether lists show the task: it is visible, and not marked as unlisted."""
        return self.visible(ordinal, viewer) and ordinal not in self._unlisted

    def draft(self, ordinal: int, events: tuple[Event, ...]) -> Draft:
        """The task after these events, with its notes written."""
        return draft_of(self.case(ordinal), events, self.origin)

    def events(self, ordinal: int) -> tuple[Event, ...]:
        """What happened to the task after the start."""
        return self._events.get(ordinal, ())

    def changed(self) -> Iterable[int]:
        """Ordinals of the tasks to which something happened since the start."""
        return self._events

    def override(self, ordinal: int) -> Override | None:
        """The payload that a test put in place of the task, if any."""
        return self._overrides.get(ordinal)

    def overrides(self) -> dict[int, Override]:
        return self._overrides

    def owner(self, file_id: int) -> int:
        """The ordinal of the task that has a file, or could have one with this id. KeyError if there is none."""
        uploaded = self._uploaded.get(file_id)
        found = uploaded[0] if uploaded else files.owner(file_id)
        if not 0 <= found < len(self):
            raise KeyError(file_id)
        return found

    def contents(self, file_id: int) -> bytes:
        """The bytes of a file; KeyError if no task can have it."""
        uploaded = self._uploaded.get(file_id)
        if uploaded:
            return uploaded[1].content
        self.owner(file_id)
        return files.contents(file_id)

    def file_name(self, file_id: int) -> str | None:
        """The name of a file; None if its task does not show it (any more)."""
        ordinal = self.owner(file_id)
        if ordinal in self._overrides:
            return names_in(self.v4.body_of(ordinal)).get(file_id)
        events = self._events.get(ordinal, ())
        return self._names.of(ordinal, events, lambda: names_in(self.v4.body_of(ordinal))).get(file_id)

    def case(self, ordinal: int) -> Case:
        """The task before its events. One created after the start has only its first note; one that was made, none."""
        if ordinal in self._made:
            return self._made[ordinal]
        created = self.register.created[ordinal]
        until = self._start if ordinal < self._laid_out else created
        return cases.case(self.seed, ordinal, created, until, self.kinds)

    def kind(self, ordinal: int) -> Kind:
        """The kind of a task, which has its form."""
        made = self._made.get(ordinal)
        return made.kind if made else self.kinds[mix(self.seed, ordinal) & 255]

    def kind_of(self, form_id: int) -> Kind | None:
        """The kind of task that has a form; None if no task has it."""
        return next((one for one in self.kinds if one.project and one.project.id == form_id), None)

    def _is_of(self, ordinal: int, viewer: int) -> bool:
        """Whether the viewer is responsible for the task. The cached bodies are those of the first account."""
        if viewer != ACCOUNT.id:
            return _responsible(self.row_of(ordinal)) == viewer
        if ordinal in self._overrides:
            return _names_us(self.row_of(ordinal))
        events = self._events.get(ordinal, ())
        return self._ours.of(ordinal, events, lambda: _names_us(self.row_of(ordinal)))


def names_in(body: bytes) -> dict[int, str]:
    """The names of the files in a body of API v4, by their ids; none if it cannot be read."""
    try:
        return dict(_names(msgspec.json.decode(body)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _names(tree: Any) -> Iterator[tuple[int, str]]:
    if isinstance(tree, dict) and {"id", "name", "size"} <= tree.keys():
        yield tree["id"], tree["name"]
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for each in inner:
        yield from _names(each)


def _names_us(row: Json) -> bool:
    responsible = row.get("Responsible")
    if isinstance(responsible, msgspec.Raw):
        return responsible is ACCOUNT.full
    return isinstance(responsible, dict) and responsible.get("Id") == ACCOUNT.id


def _responsible(row: Json) -> int | None:
    """The id of the responsible person in a row of a list."""
    found: Json = msgspec.json.decode(msgspec.json.encode(row.get("Responsible") or {}))
    return found.get("Id")
