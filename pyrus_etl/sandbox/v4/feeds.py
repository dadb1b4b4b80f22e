"""Which tasks a register, a list or the inbox shows, in which order, and how many at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.organisation.clock import SECOND
from pyrus_etl.sandbox.organisation.dice import mix
from pyrus_etl.sandbox.v4.archive import Seen
from pyrus_etl.sandbox.v4.filters import matches, row_test
from pyrus_etl.sandbox.v4.parameters import Parameters
from pyrus_etl.sandbox.v4.tree import below
from pyrus_etl.sandbox.world.world import World

MOST_ROWS = 20_000
LIST_ITEMS = 200
Test = Callable[[int], bool]
Period = tuple[int | None, int | None]
ANY: Period = (None, None)


class Question(msgspec.Struct, frozen=True):
    """The filter of a register or of a list; periods are in milliseconds."""

    archived: bool
    modified: Period
    created: Period
    closed: Period
    task_ids: set[int] | None
    accepts: Test | None


class Feeds:
    """The feeds of headers and rows. It counts requests, because each shuffled answer has another order."""

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self._requests = 0

    def register(self, form_id: int, given: Parameters, viewer: int) -> list[Seen]:
        """The rows of a form's register: those of open tasks, unless the closed ones are asked for."""
        count = given.integer("item_count", MOST_ROWS)
        if not 1 <= count <= MOST_ROWS:
            raise Refused("items_count_out_of_range")
        asked = question(given)
        with self.world.lock:
            found = [one for one in self._seen(self.world.v4.in_form(form_id), viewer) if self.matches(one, asked)]
            if test := row_test(given):
                found = [one for one in found if matches(self.world.v4.row_json(one), test)]
        ordered = sorted(found, key=self._id) if given.text("sort") == "id" else self._shuffled(found)
        return ordered[: min(count, self.options.register_cap or count)]

    def list_tasks(self, list_id: int, given: Parameters, viewer: int) -> tuple[list[Seen], bool]:
        """The tasks of a list, and whether there are more."""
        wanted = below(list_id) if self.options.sublists else {list_id}
        asked, archive = question(given), self.world.v4
        with self.world.lock:
            found = [
                seen
                for seen in self._seen(archive.maybe_in_lists(wanted), viewer)
                if self.matches(seen, asked) and not wanted.isdisjoint(archive.list_ids(seen))
            ]
        return self._page(self._shuffled(found), given.integer("item_count", LIST_ITEMS))

    def inbox(self, given: Parameters, viewer: int) -> tuple[list[Seen], bool]:
        with self.world.lock:
            found = [self.world.v4.seen(one) for one in self.world.inbox_ordinals(viewer)]
        return self._page([seen for seen in found if seen], given.integer("item_count", 50))

    def matches(self, seen: Seen, asked: Question) -> bool:
        """Whether the row is asked for: its dates, its id, and whether it is closed."""
        if asked.closed != ANY:
            ended = self.world.draft(seen.ordinal, seen.events).closed if seen.closed else None
            if ended is None or not within(ended, asked.closed):
                return False
        elif seen.closed and not asked.archived:
            return False
        return (
            within(seen.modified, asked.modified)
            and within(seen.created, asked.created)
            and (asked.task_ids is None or self._id(seen) in asked.task_ids)
            and (asked.accepts is None or asked.accepts(self._id(seen)))
        )

    def _seen(self, ordinals: Iterable[int], viewer: int) -> Iterator[Seen]:
        """The tasks that the viewer may see, as the index knows them."""
        lag = self.options.register_lag
        horizon = self.world.clock.now() - int(lag * SECOND) if lag else None
        for ordinal in ordinals:
            if self.world.listed(ordinal, viewer):
                seen = self.world.v4.seen(ordinal, horizon)
                if seen is not None:
                    yield seen

    def _id(self, seen: Seen) -> int:
        return self.world.id_of(seen.ordinal)

    def _shuffled(self, found: list[Seen]) -> list[Seen]:
        self._requests += 1
        if self.options.order == "newest":
            return sorted(found, key=lambda seen: seen.modified, reverse=True)
        random.Random(mix(self.world.seed, self._requests)).shuffle(found)
        return found

    def _page(self, found: list[Seen], count: int) -> tuple[list[Seen], bool]:
        size = min(max(count, 0), self.options.list_cap or count)
        return found[:size], len(found) > size


def question(given: Parameters) -> Question:
    """The filter that the parameters ask for."""
    operator = given.text("id")
    return Question(
        given.yes("include_archived"),
        given.period("modified"),
        given.period("created"),
        given.period("closed"),
        given.integers("task_ids"),
        accepts(operator) if operator else None,
    )


def within(instant: int, period: Period) -> bool:
    """Whether an instant is in the period, to the second, both ends included."""
    if period == ANY:
        return True
    after, before = period
    second = instant // SECOND
    return (after is None or second >= after // SECOND) and (before is None or second <= before // SECOND)


def accepts(operator: str) -> Test:
    """The test of the parameter `id`: `gt5`, `lt5`, `gt5,lt9`, `1,2`, `5`."""
    parts = [part.strip() for part in operator.split(",")]
    numbers = [part.removeprefix("gt").removeprefix("lt") for part in parts]
    if not all(number.isdecimal() for number in numbers):
        raise Refused("BadFormatInteger")
    above = [int(number) for part, number in zip(parts, numbers, strict=True) if part.startswith("gt")]
    under = [int(number) for part, number in zip(parts, numbers, strict=True) if part.startswith("lt")]
    exact = {int(part) for part in parts if part.isdecimal()}
    return lambda id_: (
        all(id_ > one for one in above) and all(id_ < one for one in under) and (not exact or id_ in exact)
    )
