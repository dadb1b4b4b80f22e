"""The tasks that a list shows: the search, the order, and the limit."""

from __future__ import annotations

import random
import re
from typing import Any

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.organisation.clock import SECOND
from pyrus_etl.sandbox.organisation.dice import mix
from pyrus_etl.sandbox.world.world import World

Json = dict[str, Any]

DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


class Search(msgspec.Struct, rename="pascal", frozen=True):
    """The SearchTasksParams structure (https://pyrus.com/en/api-v3)."""

    project_ids: list[int] | None = None
    include_closed_tasks: bool = False
    participant_ids: list[int] | None = None
    author_id: int | None = None
    responsible_id: int | None = None
    maximum_items_count: int = 50
    include_text: str | None = None
    exclude_text: str | None = None
    active_from: str | None = None
    active_to: str | None = None


class Lists:
    """The three lists. It counts requests, because each shuffled list gets another order."""

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self._requests = 0

    def inbox(self, count: int, viewer: int) -> tuple[list[int], bool]:
        """Ordinals in the order of the inbox, and whether there are more tasks."""
        found = self.world.inbox_ordinals(viewer)
        size = self._size(count)
        return found[:size], len(found) > size

    def all_tasks(self, count: int, viewer: int) -> tuple[list[int], bool]:
        return self._page([one for one in self.world.visible_ordinals(viewer) if self.world.listed(one, viewer)], count)

    def search(self, search: Search, viewer: int) -> tuple[list[int], bool]:
        """Ordinals that match, up to the limit, and whether there are more tasks."""
        if search.exclude_text and not search.include_text:
            raise Refused("BadFormat")
        with self.world.lock:
            found = self._within(instant(search.active_from), instant(search.active_to))
            closed = self.world.register.closed
            found = [
                one
                for one in found
                if (search.include_closed_tasks or not closed[one]) and self.world.listed(one, viewer)
            ]
        if filtered(search):
            found = [one for one in found if matches(search, self.world, one)]
        return self._page(found, search.maximum_items_count)

    def _within(self, first: int | None, last: int | None) -> list[int]:
        register = self.world.register
        if self.options.period == "modified" or (first is None and last is None):
            return register.modified_within(first, last)
        low = -(1 << 62) if first is None else first // SECOND
        high = 1 << 62 if last is None else last // SECOND
        return [
            one
            for one in register.alive_within(first, last)
            if any(low <= date // SECOND <= high for date in self.world.active_dates(one))
        ]

    def _page(self, found: list[int], count: int) -> tuple[list[int], bool]:
        size = self._size(count)
        self._requests += 1
        if self.options.order == "newest":
            found.sort(key=self.world.register.modified.__getitem__, reverse=True)
            return found[:size], len(found) > size
        lot = random.Random(mix(self.world.seed, self._requests))
        return lot.sample(found, min(size, len(found))), len(found) > size

    def _size(self, count: int) -> int:
        """The number of rows to return if the client asks for `count`."""
        return min(max(count, 0), self.options.cap if self.options.cap is not None else count)


def instant(date: str | None) -> int | None:
    """A date of the API as milliseconds since 1970."""
    if date is None:
        return None
    found = DATE.fullmatch(date)
    if not found:
        raise Refused("BadFormatDate")
    return int(found[1])


def filtered(search: Search) -> bool:
    """Whether the search has conditions besides the period, so that each task must be read."""
    conditions = (
        search.project_ids,
        search.participant_ids,
        search.author_id,
        search.responsible_id,
        search.include_text,
    )
    return any(value is not None for value in conditions)


def matches(search: Search, world: World, ordinal: int) -> bool:
    """Whether a task matches the search, apart from the period. Reads the whole task."""
    try:
        task = msgspec.json.decode(world.body_of(ordinal))["TaskWithNotes"]
        persons = participants(task)
        with_text = search.include_text is None or search.include_text.lower() in task["Text"].lower()
        without_text = not search.exclude_text or search.exclude_text.lower() not in task["Text"].lower()
        return (
            with_text
            and without_text
            and search.author_id in (None, task["Author"]["Id"])
            and search.responsible_id in (None, task.get("Responsible", {}).get("Id"))
            and (search.participant_ids is None or bool(persons & set(search.participant_ids)))
            and (search.project_ids is None or bool(projects(task) & set(search.project_ids)))
        )
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return False


def participants(task: Json) -> set[int]:
    """The author, the responsible person, the approvers, and the authors of notes."""
    found = {task["Author"]["Id"], *(note["Author"]["Id"] for note in task["Notes"])}
    found |= {vote["Person"]["Id"] for step in task.get("Approvals", []) if step for vote in step}
    return found | ({task["Responsible"]["Id"]} if "Responsible" in task else set())


def projects(task: Json) -> set[int]:
    """The projects of a task, and all their ancestors."""
    found: set[int] = set()
    for project in task.get("Projects", []):
        ancestor: Json | None = project
        while ancestor:
            found.add(ancestor["Id"])
            ancestor = ancestor.get("Parent")
    return found
