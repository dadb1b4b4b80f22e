"""Hints of webhooks in a history: stored, lost or doubled, before and during runs, also about tasks that are not there.

A hint changes no row wrongly, which all other invariants show, and it is stored until its task is fetched.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

import psycopg

from pyrus_etl.load.progress.hints import note_hints
from pyrus_etl.sandbox import World
from tests.simulation.administrator import Administrator
from tests.simulation.events import Event
from tests.simulation.faults import Fault, any_weather, some_faults
from tests.simulation.history import History, RunStep, Step
from tests.simulation.history_v4 import HistoryV4
from tests.simulation.invariants import require
from tests.simulation.lag import modified
from tests.simulation.truth import Seen

EVERY = 3
"""One of so many histories has hints."""
UNKNOWN = 999_999_999
NOWHERE = "somebody@else.example"
STORED = "SELECT task_id, login FROM pyrus.sync_hints"
DATES = "SELECT task_id, modified_date FROM pyrus.tasks"
SET_ASIDE = "SELECT task_id FROM pyrus.sync_errors WHERE resolved_at IS NULL"
ASKED_FOR = "SELECT task_id FROM pyrus.raw_tasks WHERE is_doubted"
"""The next run of the account that reads the task fetches it."""

Hint = tuple[int, str]
"""A task and the login of a bot."""


def with_hints(history: History | HistoryV4) -> History | HistoryV4:
    """The same history with hints before and during its runs, and with more runs, only for hints."""
    dice = Random(f"hints {history.seed}")
    return history._replace(steps=tuple(_hinted(dice, history)))


def _hinted(dice: Random, history: History | HistoryV4) -> Iterator[Step]:
    bots = history.given.bots if isinstance(history, HistoryV4) else 1
    tasks, kills = history.setting.tasks, history.setting.kills
    for step in history.steps:
        if isinstance(step, Event):
            yield step
            continue
        yield from (_any_hint(dice) for _ in range(dice.choice((0, 1, 3))))
        during = (
            Fault("event", dice.randint(1, tasks), event=_any_hint(dice)) for _ in range(dice.choice((0, 0, 1, 3)))
        )
        yield step._replace(faults=_sorted((*step.faults, *during)), hinted=dice.random() < 0.6)
        if dice.random() < 0.3:
            plans = dice.choice((("hints", ""), ("hints", "sync"), ("", "hints")) if bots > 1 else (("hints", ""),))
            faults = tuple(one for one in some_faults(dice, tasks, kills, {"advance": 1}) if one.kind != "freeze")
            weather = any_weather(dice)
            yield RunStep(plans[0], _sorted(faults), weather, beside=plans[1], over_v3=step.over_v3)


def _any_hint(dice: Random) -> Event:
    """`amount`: how often the webhook comes."""
    return Event("hint", dice.randrange(1000), dice.choice((0, 1, 1, 1, 2)))


def _sorted(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: (fault.where, fault.at)))


class Hints:
    """Stores hints, and checks that none is lost.

    `happen` makes any other event happen; `seen`: what each bot can fetch now; `gone`: tasks that exist no more.
    `ever`: whether there was a hint; `at_work`: the tasks that hints may make the run fetch.
    """

    def __init__(
        self,
        world: World,
        happen: Callable[[Event], str],
        seen: Callable[[], list[Seen]],
        gone: Callable[[], Collection[int]],
    ) -> None:
        self.ever = False
        self.at_work: set[int] = set()
        self._world, self._happen, self._seen, self._gone = world, happen, seen, gone
        self._open: dict[Hint, int] = {}
        self._administrator: Administrator | None = None

    def store_in(self, administrator: Administrator) -> None:
        """Before the first hint: where to store them."""
        self._administrator = administrator

    def begin(self) -> None:
        """Prepares for a run."""
        self.at_work = {task_id for task_id, _ in self._ask(STORED)} if self.ever else set()

    def tell(self, event: Event) -> str:
        """Makes an event happen, in the server's thread during a run; returns a line for the log."""
        if event.kind == "hint":
            with self._world.lock:
                return self._hint(event)
        line = self._happen(event)
        if self._open:
            self._forget_unseen()
        return line

    def _hint(self, event: Event) -> str:
        """A task that changed lately is hinted more often."""
        task_ids = sorted(
            {UNKNOWN, *self._gone(), *(one for each in self._seen() for one in each.task_ids)}, key=self._date
        )
        lately = task_ids[-3:] if event.pick % 2 else task_ids
        task_id, logins = lately[event.pick // 2 % len(lately)], [each.login for each in self._seen()]
        login = NOWHERE if event.pick % 20 == 0 else logins[event.pick % len(logins)]
        self.ever = True
        self.at_work.add(task_id)
        times = sum(self._is_noted(login, task_id) for _ in range(event.amount))
        if times and any(each.login == login and task_id in each.task_ids for each in self._seen()):
            self._open[task_id, login] = self._date(task_id)
        return f"hint of {task_id} to {login}, stored {times} times"

    def _is_noted(self, login: str, task_id: int) -> bool:
        """As `serve` stores it; while the database is busy or away, it may be lost."""
        assert self._administrator
        with suppress(psycopg.Error):
            self._administrator.database.do(lambda connection: note_hints(connection, login, [task_id]))
            return True
        return False

    def _date(self, task_id: int) -> int:
        """When the task was last changed, in milliseconds. The body of a repaired task is older than lists say."""
        try:
            listed = self._world.register.modified[self._world.ordinal(task_id)]
        except KeyError:
            return 0
        return min(listed, modified(self._world.body(task_id)) or listed)

    def _forget_unseen(self) -> None:
        """Nobody knows whether a hint was followed before its task went away, or its date was set back."""
        seen = {each.login: each.task_ids for each in self._seen()}
        there = {hint: date for hint, date in self._open.items() if hint[0] in seen[hint[1]]}
        self._open = {hint: min(date, self._date(hint[0])) for hint, date in there.items()}

    def check(self, excused: Collection[int] = ()) -> None:
        """A hint that is not stored any more was followed: its task is stored as it was then, or later.

        Or the account that reads the task is asked to fetch it.
        """
        if not self._open:
            return
        stored, dates = {*self._ask(STORED)}, dict(self._ask(DATES))
        excused = {*excused, *(task_id for query in (SET_ASIDE, ASKED_FOR) for (task_id,) in self._ask(query))}
        for task_id, login in self._open.keys() - stored:
            date, found = self._open.pop((task_id, login)), dates.get(task_id)
            is_new = found is not None and found.timestamp() >= date // 1000
            require(is_new or task_id in excused, f"a hint of task {task_id} to {login} was lost, stored is {found}")

    def check_none_left(self) -> None:
        """At the end, after a run for hints."""
        left = {login for _, login in self._ask(STORED)} - {NOWHERE}
        require(not left, f"hints are left after a quiet run: {left}")

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        assert self._administrator
        return self._administrator.database.execute(query)
