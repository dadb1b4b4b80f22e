"""Which tasks a register, a list or the inbox shows, in which order, and how many at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.clock import SECOND
from pyrus_etl.sandbox.dice import mix
from pyrus_etl.sandbox.options import Options
from pyrus_etl.sandbox.world import World

from .archive import Seen
from .parameters import Parameters
from .tree import below

MOST_ROWS = 20_000
LIST_ITEMS = 200
Test = Callable[[int], bool]


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
        with self.world.lock:
            found = [seen for seen in self._seen(self.world.v4.in_form(form_id), viewer) if self.matches(seen, given)]
        by_id = given.text("sort") == "id"
        ordered = sorted(found, key=self._id) if by_id else self._shuffled(found)
        return ordered[: min(count, self.options.register_cap or count)]

    def list_tasks(self, list_id: int, given: Parameters, viewer: int) -> tuple[list[Seen], bool]:
        """The tasks of a list, and whether there are more."""
        wanted = below(list_id) if self.options.sublists else {list_id}
        with self.world.lock:
            everybody = self._seen(range(len(self.world)), viewer)
            found = [
                seen
                for seen in everybody
                if self.matches(seen, given) and not wanted.isdisjoint(self.world.v4.list_ids(seen))
            ]
        return self._page(self._shuffled(found), given.integer("item_count", LIST_ITEMS))

    def inbox(self, given: Parameters, viewer: int) -> tuple[list[Seen], bool]:
        with self.world.lock:
            found = [self.world.v4.seen(one) for one in self.world.inbox_ordinals(viewer)]
        return self._page([seen for seen in found if seen], given.integer("item_count", 50))

    def matches(self, seen: Seen, given: Parameters) -> bool:
        """Whether the row is asked for: its dates, its id, and whether it is closed."""
        closed_after, closed_before = given.period("closed")
        if closed_after is not None or closed_before is not None:
            ended = self._closed_at(seen)
            return ended is not None and within(ended, (closed_after, closed_before)) and self._asked(seen, given)
        if seen.closed and not given.yes("include_archived"):
            return False
        return self._asked(seen, given)

    def _asked(self, seen: Seen, given: Parameters) -> bool:
        wanted, ids = given.integers("task_ids"), given.text("id")
        return (
            within(seen.modified, given.period("modified"))
            and within(seen.created, given.period("created"))
            and (wanted is None or self._id(seen) in wanted)
            and (ids is None or accepts(ids)(self._id(seen)))
        )

    def _closed_at(self, seen: Seen) -> int | None:
        if not seen.closed:
            return None
        return self.world.draft(seen.ordinal, seen.events).closed

    def _seen(self, ordinals: list[int] | range, viewer: int) -> Iterator[Seen]:
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


def within(instant: int, period: tuple[int | None, int | None]) -> bool:
    """Whether an instant is in the period, to the second, both ends included."""
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
