"""Histories over API v4, of one bot or of two that see different, overlapping forms of one organisation.

Between runs, tasks change, notes are edited and deleted, rights come and go by form, and the index of Pyrus lags. Runs
have budgets, faulty answers and revoked tokens, and may crash.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from random import Random
from typing import Any

import psycopg

from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.people import ACCOUNT, EVERYBODY
from pyrus_etl.sandbox.v4.directory import Level
from pyrus_etl.sandbox.v4.tree import LISTS
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.retry import retry
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from tests.conftest import settings_for
from tests.impatient import IMPATIENT
from tests.simulation.invariants import check_idle, require
from tests.tables_v4 import assert_tables_equal_bodies_v4, different_rows

ANN, BOB = ACCOUNT.id, EVERYBODY[1].id
LOGINS = {ANN: "robot@northlight.example", BOB: "second@northlight.example"}
LAG = 600.0
EVENTS = {
    "live": 6,
    "create": 2,
    "edit": 4,
    "close": 2,
    "reopen": 2,
    "edit_note": 2,
    "delete_note": 2,
    "take_out": 2,
    "delete": 2,
    "restore": 2,
    "unlist": 2,
    "relist": 1,
    "grant": 4,
    "tokens": 1,
    "advance": 4,
}
PLANS: dict[str, Callable[[], Plan]] = {
    "sync": sync,
    "backfill": backfill,
    "restart": lambda: backfill(restart=True),
    "force": lambda: reconcile(force=True),
    "retry": retry,
}
WEIGHTS = (8, 2, 1, 3, 1)
LEVELS: tuple[Level, ...] = ("refused", "none", "manager", "manager")
MARKED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL"
BODIES = """
    SELECT task_id, payload::text FROM pyrus.raw_tasks JOIN pyrus.tasks USING (task_id)
    WHERE api = 'v4' AND deleted_at IS NULL
"""
DATES = "SELECT task_id, (payload #>> '{task,last_modified_date}')::timestamptz FROM pyrus.raw_tasks WHERE api = 'v4'"

Results = list[Result]
Live = Callable[[Callable[[], Coroutine[Any, Any, Results]], bool], Results | None]
"""Does the runs, and returns their results; if they may crash, perhaps None."""


def sandbox_of(seed: int) -> tuple[Sandbox, tuple[int, ...]]:
    """A new organisation, and the accounts of its bots."""
    dice = Random(seed)
    world = World(seed, tasks=dice.randint(15, 45), tick=dice.choice((1.0, 0.3)))
    bots = dice.choice(((ANN,), (ANN,), (ANN, BOB)))
    sandbox = Sandbox(
        world,
        accounts={LOGINS[BOB]: BOB},
        register_lag=dice.choice((0.0, LAG)),
        register_cap=dice.choice((None, 5, 20)),
        list_cap=dice.choice((None, 6)),
        hybrid=dice.random() < 0.2,
    )
    return sandbox, bots


class HistoryV4:
    """A history that is being played. `deleted`: the tasks that are deleted in the world. `live`: does the runs."""

    def __init__(self, seed: int, sandbox: Sandbox, bots: tuple[int, ...], database: Secret, live: Live) -> None:
        self.dice = Random(seed)
        self.sandbox, self.world, self.bots = sandbox, sandbox.world, bots
        self.database, self.live = database, live
        self.lines: list[str] = []
        self.deleted: set[int] = set()
        self._forms: list[int] = [form["id"] for form in self.world.v4.directory.forms(0)]
        self._share_forms()

    def play(self, length: int) -> None:
        for _ in range(length):
            for _ in range(self.dice.choice((0, 1, 3, 6))):
                self._happen(self.dice.choices(list(EVENTS), list(EVENTS.values()))[0])
            self._runs()
        self._end()

    def _share_forms(self) -> None:
        """Gives each bot its forms: of two, each lacks the first or the last one."""
        for bot in self.bots:
            for form_id in self._forms:
                lacks = len(self.bots) == 2 and form_id == self._forms[0 if bot == ANN else -1]
                self.world.v4.directory.grant(bot, form_id, "none" if lacks else "manager")

    def _happen(self, event: str) -> None:
        tasks = self.world.task_ids()
        task_id = self.dice.choice(tasks)
        self.lines.append(f"{event} {task_id}")
        match event:
            case "live":
                self.world.live(self.dice.choice((5, 600, 7200)), self.dice.randint(1, 6))
            case "create":
                self.world.create(self.dice.randint(1, 3))
            case "delete":
                self.deleted.add(self.world.delete(task_id))
            case "restore":
                if self.deleted:
                    self.deleted.remove(self.world.restore(self.dice.choice(sorted(self.deleted))))
            case "grant":
                level = self.dice.choice(LEVELS)
                bot, form_id = self.dice.choice(self.bots), self.dice.choice(self._forms)
                self.lines.append(f"  {level} {form_id} to {bot}")
                self.world.v4.directory.grant(bot, form_id, level)
            case "take_out" if self._is_findable(task_id):
                self.world.take_out(task_id)
            case "take_out":
                pass
            case "tokens":
                self.sandbox.revoke_tokens()
            case "advance":
                self.world.advance(self.dice.choice((1, 400, 3600, 86_400)))
            case _:
                getattr(self.world, event)(task_id)

    def _is_findable(self, task_id: int) -> bool:
        """Whether a run can find the task without lists: by its form, or because it is stored."""
        by_form = self.world.v4.task(task_id).get("form_id") is not None
        return by_form or (task_id,) in self._ask("SELECT task_id FROM pyrus.tasks")

    def _runs(self) -> None:
        """One run, or one of each bot at the same time, that may crash."""
        dice = self.dice
        error, short = dice.choice((0, 0, 0.1)), dice.choice((0, 0.05))
        self.sandbox.faults = Faults(seed=dice.randrange(99), error=error, short=short)
        bots = dice.choice(([*self.bots], [self.bots[0]], [self.bots[-1]]))
        plans = [(bot, dice.choices(list(PLANS), WEIGHTS)[0]) for bot in bots]
        budget = Budget(requests=dice.randint(3, 150)) if dice.random() < 0.3 else NO_LIMIT
        before, dates = set(self._ask(MARKED)), dict(self._ask(DATES))
        for result in self._run(plans, budget, may_crash=True):
            require(result.exit_code in (0, 6), f"{result.kind} ended with {result.error!r}")
        self._check(before, dates)

    def _check(self, before: set[tuple[int]], dates: dict[int, Any]) -> None:
        """What holds after every run, however it ended."""
        marked = {task_id for (task_id,) in set(self._ask(MARKED)) - before}
        require(marked <= self.deleted, f"{marked - self.deleted} are marked as deleted, and are there")
        older = [one for one, date in self._ask(DATES) if one in dates and date < dates[one]]
        require(not older, f"older bodies came back: {older}")
        bodies = {task_id: body.encode() for task_id, body in self._ask(BODIES)}
        wrong = different_rows(self.database, bodies)
        require(not wrong, f"rows differ from the body that gave them: {wrong}")
        require(self.sandbox.overruns == 0, f"{self.sandbox.overruns} requests went over the quota")

    def _run(self, plans: Iterable[tuple[int, str]], budget: Budget = NO_LIMIT, *, may_crash: bool = False) -> Results:
        self.lines.append(f"{plans} {budget} {self.sandbox.faults}")

        async def together() -> Results:
            return await asyncio.gather(*(self._one(bot, PLANS[plan](), budget) for bot, plan in plans))

        results = self.live(together, may_crash)
        self.lines.append("  crashed" if results is None else f"  {[each.status for each in results]}")
        return results or []

    async def _one(self, bot: int, plan: Plan, budget: Budget) -> Result:
        settings = settings_for(self.sandbox, self.database, PYRUS_API="v4", PYRUS_LOGIN=LOGINS[bot])
        return await run(plan, replace(settings, waits=IMPATIENT), budget=budget)

    def _end(self) -> None:
        """Everything is shown again: after a sync, a census and a sync the tables are what the bots see."""
        self.sandbox.faults = Faults()
        self._share_forms()
        for task_id in self.world.task_ids():
            self.world.relist(task_id)
        self.world.advance(LAG + 3600)
        for plan in ("sync", "force", "sync"):
            results = [result for bot in self.bots for result in self._run([(bot, plan)])]
        require([result.exit_code for result in results] == [0] * len(self.bots), f"a quiet run ended with {results}")
        assert_tables_equal_bodies_v4(self.database, {k: v for bot in self.bots for k, v in self.world.v4.bodies(bot)})
        for bot in self.bots:
            self.sandbox.requests.clear()
            self._run([(bot, "sync")])
            if self.sandbox.options.list_cap is None:
                check_idle(self.sandbox.requests.summary(), len(self._forms) + len(LISTS))

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.reveal(), autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()


def play_on(sandbox: Sandbox, bots: tuple[int, ...], seed: int, database: Secret, live: Live, length: int) -> None:
    """Plays the history of a seed; raises AssertionError with what happened."""
    history = HistoryV4(seed, sandbox, bots, database, live)
    try:
        history.play(length)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(history.lines)) from error
