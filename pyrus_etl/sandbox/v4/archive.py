"""All tasks of the organisation as API v4 serves them: bodies, rows of the register, headers of lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.sandbox.tasks.bodies import Event, projects_of, structure
from pyrus_etl.sandbox.tasks.drafts import Draft
from pyrus_etl.sandbox.v4 import extras, rows, written
from pyrus_etl.sandbox.v4.directory import Directory
from pyrus_etl.sandbox.v4.tasks import Style, moment, task
from pyrus_etl.sandbox.world.cache import Cache
from pyrus_etl.sandbox.world.overrides import Override

if TYPE_CHECKING:
    from pyrus_etl.sandbox.world.archive import Archive

Json = dict[str, Any]
Events = tuple[Event, ...]

MOST_BODIES, MOST_ROWS = 20_000, 200_000
NOTES, WIDE_NOTES = 3_200_000_000, 5_000_000_000


class Seen(msgspec.Struct, frozen=True):
    """A task as an index shows it that may lag behind: the events that it knows of, and dates in milliseconds."""

    ordinal: int
    events: Events
    created: int
    modified: int
    closed: bool


class ArchiveV4:
    """Read access to the tasks of a world. What is served is a function of the world's own tasks."""

    def __init__(self, world: Archive) -> None:
        self.world = world
        self.directory = Directory(world.kinds)
        self._bodies = Cache[bytes](MOST_BODIES)
        self._rows = Cache[bytes](MOST_ROWS)
        self._headers = Cache[bytes](MOST_ROWS)
        self._lists = Cache[tuple[int, ...]](10 * MOST_ROWS)
        self._by_form: dict[int | None, list[int]] = {}
        self._by_list: dict[int, list[int]] = {}
        self._indexed = self._filed = 0

    def body(self, task_id: int, viewer: int = ACCOUNT.id) -> bytes:
        """The answer to GET tasks/{id}, even if the account cannot see the task. KeyError if it does not exist."""
        return self.body_of(self.world.ordinal(task_id), viewer)

    def task(self, task_id: int, viewer: int = ACCOUNT.id) -> Json:
        """The task in it, parsed; fractions are Decimal."""
        found: Json = json.loads(self.body(task_id, viewer), parse_float=Decimal)["task"]
        return found

    def bodies(self, viewer: int = ACCOUNT.id) -> Iterator[tuple[int, bytes]]:
        """Id and body of every visible task, to compare a copy with."""
        return ((task_id, self.body(task_id, viewer)) for task_id in self.world.task_ids(viewer))

    def body_of(self, ordinal: int, viewer: int = ACCOUNT.id) -> bytes:
        override, events = self.world.override(ordinal), self.world.events(ordinal)
        if override is not None:
            return overridden(override)
        if self.world.private_notes and viewer != ACCOUNT.id:
            return msgspec.json.encode({"task": self._task(ordinal, events, private=False)})
        return self._bodies.of(ordinal, events, lambda: msgspec.json.encode({"task": self._task(ordinal, events)}))

    def warm(self) -> None:
        """Writes the rows of all registers, so that a server has them in memory (about 2 KB for each task)."""
        for ordinal in range(min(len(self.world), MOST_ROWS)):
            if (seen := self.seen(ordinal)) and self.form_of(ordinal) is not None:
                self.row_json(seen)

    def row_json(self, seen: Seen) -> bytes:
        """The row of a register."""
        override = self.world.override(seen.ordinal)
        if override is not None:
            return msgspec.json.encode(row_of(override))
        return self._rows.of(seen.ordinal, seen.events, lambda: self._row(seen.ordinal, seen.events))

    def header_json(self, seen: Seen) -> bytes:
        """The header that lists and the inbox show."""
        override = self.world.override(seen.ordinal)
        if override is not None:
            return msgspec.json.encode(rows.header(listed(override)))
        return self._headers.of(seen.ordinal, seen.events, lambda: self._header(seen.ordinal, seen.events))

    def seen(self, ordinal: int, horizon: int | None = None) -> Seen | None:
        """The task as it was at the horizon (now, if None); None if it did not exist yet."""
        world = self.world
        events, created = world.events(ordinal), world.register.created[ordinal]
        override = world.override(ordinal)
        if horizon is not None and max(created, override.at if override else created) > horizon:
            return None
        if horizon is None or not events or events[-1].at <= horizon:
            return Seen(
                ordinal, events, created, world.register.modified[ordinal], bool(world.register.closed[ordinal])
            )
        known = tuple(event for event in events if event.at <= horizon)
        draft = world.draft(ordinal, known)
        return Seen(ordinal, known, created, draft.modified, draft.closed is not None)

    def may_read(self, ordinal: int, viewer: int) -> bool:
        """Whether the rights in its form let the account read the task."""
        return self.directory.may_read(ordinal, self.form_of(ordinal), viewer)

    def form_of(self, ordinal: int) -> int | None:
        """The id of the task's form; None for a simple task."""
        override = self.world.override(ordinal)
        if override is not None:
            found = readable(override).get("form_id")
            return found if isinstance(found, int) else None
        return self._drawn_form(ordinal)

    def in_form(self, form_id: int | None) -> list[int]:
        """Ordinals of the tasks of a form; of all simple tasks, if None."""
        for ordinal in range(self._indexed, len(self.world)):
            self._by_form.setdefault(self._drawn_form(ordinal), []).append(ordinal)
        self._indexed = len(self.world)
        found, overrides = self._by_form.get(form_id, []), self.world.overrides()
        if not overrides:
            return found
        put = [one for one in overrides if self.form_of(one) == form_id]
        return sorted([*(one for one in found if one not in overrides), *put])

    def maybe_in_lists(self, wanted: set[int]) -> list[int]:
        """Ordinals of the tasks that were created in these lists, and of all that may have moved since."""
        for ordinal in range(self._filed, len(self.world)):
            for list_id in self._drawn_lists(ordinal, ()):
                self._by_list.setdefault(list_id, []).append(ordinal)
        self._filed = len(self.world)
        created = (ordinal for list_id in wanted for ordinal in self._by_list.get(list_id, ()))
        return sorted({*created, *self.world.changed(), *self.world.overrides()})

    def list_ids(self, seen: Seen) -> tuple[int, ...]:
        """The ids of the task's lists; its form is one of them."""
        override = self.world.override(seen.ordinal)
        if override is not None:
            found = readable(override).get("list_ids")
            return tuple(found) if isinstance(found, list) else ()
        return self._lists.of(seen.ordinal, seen.events, lambda: self._drawn_lists(seen.ordinal, seen.events))

    def _drawn_form(self, ordinal: int) -> int | None:
        project = self.world.kind(ordinal).project
        return project.id if project else None

    def _drawn_lists(self, ordinal: int, events: Events) -> tuple[int, ...]:
        if events:
            return tuple(project.id for project in self.world.draft(ordinal, events).projects)
        return tuple(project.id for project in projects_of(self.world.case(ordinal)))

    def _row(self, ordinal: int, events: Events) -> bytes:
        """A row is written without the comments, which take as long as everything else."""
        draft = self.world.draft(ordinal, events)
        style = self._style(ordinal, draft, self._drawn_form(ordinal))
        last = {"Notes": draft.notes[-1:]} if draft.notes else {}
        shown = task(structure(draft) | last, draft.places[-1:], style)
        return msgspec.json.encode(rows.row(shown | self._fields(draft, shown)))

    def _header(self, ordinal: int, events: Events) -> bytes:
        draft = self.world.draft(ordinal, events)
        style = self._style(ordinal, draft, None)
        return msgspec.json.encode(rows.header(task(structure(draft) | {"Notes": []}, [], style)))

    def _fields(self, draft: Draft, shown: Json) -> Json:
        """The fields that v3 has, and those that only v4 has."""
        case = draft.case
        further = [] if draft.purged else extras.fields(case, self.world.origin)
        defined = extras.definitions(case.kind.name)
        further = written.overlay(further, defined, draft.extras)
        return {"fields": shown.get("fields", []) + further} if further else {}

    def _style(self, ordinal: int, draft: Draft, form_id: int | None) -> Style:
        """How this task is written: drawn once for a task, so that it never changes."""
        first = (WIDE_NOTES if ordinal % 10 == 7 else NOTES) + (ordinal << 10)
        lot, older = draft.case.word >> 40 & 255, self.world.older
        bare, nulls = older or lot % 8 == 1, lot % 16 == 2 and not older
        return Style(form_id, first, timed=lot % 3 == 0, bare=bare, nulls=nulls, days=older)

    def _task(self, ordinal: int, events: Events, *, private: bool = True) -> Json:
        draft = self.world.draft(ordinal, events)
        v3, places = structure(draft), draft.places
        if not private:
            public = [number for number, note in enumerate(v3["Notes"]) if note.get("Id", 1) % 3]
            v3 |= {"Notes": [v3["Notes"][number] for number in public]}
            places = [places[number] for number in public]
        shown = task(v3, places, self._style(ordinal, draft, self._drawn_form(ordinal)))
        shown |= self._fields(draft, shown)
        written.beside(shown["comments"], places, draft)
        if not self.world.older or draft.case.made:
            extras.of_comments(draft.case, shown["comments"], [place in draft.by_api for place in places])
            shown |= extras.properties(draft.case, shown)
        return written.of_task(shown, draft)


def overridden(override: Override) -> bytes:
    """The body that API v4 serves for an override."""
    if override.body_v4 is not None:
        return override.body_v4
    try:
        v3 = msgspec.json.decode(override.body)["TaskWithNotes"]
        return msgspec.json.encode({"task": translated(v3 | override.row)})
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError, ValueError, AttributeError):
        return override.body


def translated(v3: Json) -> Json:
    """A TaskWithNotes that a test wrote, in the words of API v4. LookupError if it lacks what API v4 needs."""
    projects = sorted(v3.get("Projects") or [], key=lambda one: bool(one.get("Parent")))
    form = root(projects[0]) if v3.get("Form") and projects else None
    notes = v3.get("Notes") or []
    whole = {"Author": {"Id": 1730}, "Projects": [], "ModifiedDate": v3["CreateDate"]} | v3 | {"Notes": notes}
    return task(whole, list(range(len(notes))), Style(form, WIDE_NOTES + 1024 * (v3["Id"] % 2**30)))


def root(project: Json) -> int:
    while project.get("Parent"):
        project = project["Parent"]
    found: int = project["Id"]
    return found


def readable(override: Override) -> Json:
    """The task in an override; its id and dates alone if it cannot be read."""
    try:
        found: Json = msgspec.json.decode(overridden(override))["task"]
        found.keys()
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError, AttributeError):
        return {"id": override.row["Id"]}
    return found


def row_of(override: Override) -> Json:
    return override.row_v4 if override.row_v4 is not None else rows.row(listed(override))


def listed(override: Override) -> Json:
    """The task in an override, under the date that lists show."""
    shown = {"create_date": moment(override.row["CreateDate"])} | readable(override)
    shown.pop("last_modified_date", None)
    date = override.row.get("ModifiedDate")
    return shown if date is None else shown | {"last_modified_date": moment(date)}
