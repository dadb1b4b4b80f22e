"""Which tasks a list shows: the search, the order, and how many at most."""

from __future__ import annotations

import random
import re
from typing import Any

import msgspec

from .answers import Refused
from .clock import SECOND
from .dice import mix
from .options import Options
from .world import World

Json = dict[str, Any]

DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


class Search(msgspec.Struct, rename="pascal", frozen=True):
    """The SearchTasksParams structure."""

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
    """Answers for the three lists; requests are counted, as the order of a shuffled list depends on it."""

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self._requests = 0

    def inbox(self, count: int) -> tuple[list[int], bool]:
        """Ordinals in the order of the inbox, and whether there are more."""
        found = self.world.inbox_ordinals()
        size = self._size(count)
        return found[:size], len(found) > size

    def all_tasks(self, count: int) -> tuple[list[int], bool]:
        return self._page([one for one in self.world.visible_ordinals() if self.world.listed(one)], count)

    def search(self, search: Search) -> tuple[list[int], bool]:
        """Ordinals that fit, some of them if they are too many, and whether there are more."""
        if search.exclude_text and not search.include_text:
            raise Refused("BadFormat")
        with self.world.lock:
            found = self._within(instant(search.active_from), instant(search.active_to))
            closed = self.world.register.closed
            found = [
                one for one in found if (search.include_closed_tasks or not closed[one]) and self.world.listed(one)
            ]
        if filtered(search):
            found = [one for one in found if fits(search, self.world, one)]
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
        """How many rows are returned where so many are asked for."""
        return min(max(count, 0), self.options.cap if self.options.cap is not None else count)


def instant(date: str | None) -> int | None:
    """Milliseconds of a date on the wire."""
    if date is None:
        return None
    found = DATE.fullmatch(date)
    if not found:
        raise Refused("BadFormatDate")
    return int(found[1])


def filtered(search: Search) -> bool:
    """Whether the search asks for more than a period, so that each task has to be looked at."""
    asked = (
        search.project_ids,
        search.participant_ids,
        search.author_id,
        search.responsible_id,
        search.include_text,
    )
    return any(value is not None for value in asked)


def fits(search: Search, world: World, ordinal: int) -> bool:
    """Whether a task fits the search, its period apart. Reads the whole task."""
    try:
        task = msgspec.json.decode(world.body_of(ordinal))["TaskWithNotes"]
        persons = participants(task)
        text = search.include_text is None or search.include_text.lower() in task["Text"].lower()
        without = not search.exclude_text or search.exclude_text.lower() not in task["Text"].lower()
        return (
            text
            and without
            and search.author_id in (None, task["Author"]["Id"])
            and search.responsible_id in (None, task.get("Responsible", {}).get("Id"))
            and (search.participant_ids is None or bool(persons & set(search.participant_ids)))
            and (search.project_ids is None or bool(projects(task) & set(search.project_ids)))
        )
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return False


def participants(task: Json) -> set[int]:
    """Author, responsible, approvers, and who wrote notes."""
    found = {task["Author"]["Id"], *(note["Author"]["Id"] for note in task["Notes"])}
    found |= {vote["Person"]["Id"] for step in task.get("Approvals", []) if step for vote in step}
    return found | ({task["Responsible"]["Id"]} if "Responsible" in task else set())


def projects(task: Json) -> set[int]:
    """The projects of a task, and all above them."""
    found: set[int] = set()
    for project in task.get("Projects", []):
        above: Json | None = project
        while above:
            found.add(above["Id"])
            above = above.get("Parent")
    return found
