"""Histories over API v4, of one bot or of two that see different, overlapping forms of one organisation.

Between runs, tasks change, notes are edited and deleted, rights come and go by form, and the index of Pyrus lags. Runs
have budgets, faulty answers and revoked tokens, and may crash.
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import psycopg

from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.people import ACCOUNT, EVERYBODY
from pyrus_etl.sandbox.v4.directory import Level
from pyrus_etl.sandbox.v4.tree import LISTS
from pyrus_etl.settings import Secret
from tests.conftest import environment_of
from tests.simulation.invariants import check_idle, require
from tests.simulation.orders import Order, Outcome
from tests.tables_v4 import assert_tables_equal_bodies_v4, different_rows

ANN, BOB = ACCOUNT.id, EVERYBODY[1].id
LOGINS = {ANN: "robot@northlight.example", BOB: "second@northlight.example"}
LAG = 600.0
A_MOMENT = 3
"""Seconds between two runs: a doubted body is believed if a later answer is the same (see `normalize.doubt`)."""
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
PLANS = {"sync": 8, "backfill": 2, "restart": 1, "force": 3, "retry": 1}
LEVELS: tuple[Level, ...] = ("refused", "none", "member", "manager", "manager")
MARKED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL"
BODIES = """
    SELECT task_id, payload::text FROM pyrus.raw_tasks JOIN pyrus.tasks USING (task_id)
    WHERE api = 'v4' AND deleted_at IS NULL
"""
DATES = "SELECT task_id, (payload #>> '{task,last_modified_date}')::timestamptz FROM pyrus.raw_tasks WHERE api = 'v4'"

Live = Callable[[list[Order], bool], list[Outcome] | None]
"""Carries out orders at the same time, and returns their outcomes; if they may crash, perhaps None."""


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
    """A history that is being played. `deleted`: the tasks that are deleted in the world. `live`: does the runs.

    `quota`: requests in a second, if there is a limit.
    """

    def __init__(
        self, seed: int, sandbox: Sandbox, bots: tuple[int, ...], database: Secret, live: Live, quota: int | None
    ) -> None:
        self.dice = Random(seed)
        self._quota = {"PYRUS_ETL_QUOTA": f"{quota}/1s"} if quota else {}
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
        plans = [(bot, dice.choices(list(PLANS), list(PLANS.values()))[0]) for bot in bots]
        budget = dice.randint(3, 150) if dice.random() < 0.3 else None
        before, dates = set(self._ask(MARKED)), dict(self._ask(DATES))
        for outcome in self._run(plans, budget, may_crash=True):
            require(outcome.exit_code in (0, 6) and not outcome.amiss, f"a run ended with {outcome}")
        self._check(before, dates)

    def _check(self, before: set[tuple[int]], dates: dict[int, Any]) -> None:
        """What holds after every run, however it ended."""
        marked = {task_id for (task_id,) in set(self._ask(MARKED)) - before}
        wrong = marked - self.deleted - self._hidden()
        require(not wrong, f"{wrong} are marked as deleted, and are there")
        older = [one for one, date in self._ask(DATES) if one in dates and date < dates[one]]
        require(not older, f"older bodies came back: {older}")
        bodies = {task_id: body.encode() for task_id, body in self._ask(BODIES)}
        differ = different_rows(self.database, bodies)
        require(not differ, f"rows differ from the body that gave them: {differ}")
        require(self.sandbox.overruns == 0, f"{self.sandbox.overruns} requests went over the quota")

    def _hidden(self) -> set[int]:
        """The tasks that no bot sees because a mere member of their form sees only some of its tasks."""
        directory = self.world.v4.directory
        seen = {task_id for bot in self.bots for task_id, _ in self.world.v4.bodies(bot)}
        for_members = {one for one in self._forms if any(directory.level(bot, one) == "member" for bot in self.bots)}
        there = set(self.world.task_ids()) - seen
        return {task_id for task_id in there if self.world.v4.task(task_id).get("form_id") in for_members}

    def _run(
        self, plans: Iterable[tuple[int, str]], budget: int | None = None, *, may_crash: bool = False
    ) -> list[Outcome]:
        self.lines.append(f"{plans} of {budget or 'any number of'} requests, {self.sandbox.faults}")
        self.world.advance(A_MOMENT)
        outcomes = self.live([self._order(bot, plan, budget) for bot, plan in plans], may_crash)
        self.lines.append("  crashed" if outcomes is None else f"  {[each.status for each in outcomes]}")
        return outcomes or []

    def _order(self, bot: int, plan: str, budget: int | None) -> Order:
        login = {"PYRUS_API": "v4", "PYRUS_LOGIN": LOGINS[bot]}
        return Order(plan, environment_of(self.sandbox, self.database) | login | self._quota, budget)

    def _end(self) -> None:
        """Everything is shown again: after a sync, a census and a sync the tables are what the bots see."""
        self.sandbox.faults = Faults()
        self._share_forms()
        for task_id in {task_id for bot in self.bots for task_id in self.world.task_ids(bot)}:
            self.world.relist(task_id)
        self.world.advance(LAG + 3600)
        for plan in ("sync", "force", "sync"):
            ended = [outcome for bot in self.bots for outcome in self._run([(bot, plan)])]
        require([each.exit_code for each in ended] == [0] * len(self.bots), f"a quiet run ended with {ended}")
        assert_tables_equal_bodies_v4(self.database, {k: v for bot in self.bots for k, v in self.world.v4.bodies(bot)})
        for bot in self.bots:
            self.sandbox.requests.clear()
            self._run([(bot, "sync")])
            if self.sandbox.options.list_cap is None:
                check_idle(self.sandbox.requests.summary(), len(self._forms) + len(LISTS))

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.reveal(), autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()


def play_on(
    sandbox: Sandbox,
    bots: tuple[int, ...],
    seed: int,
    database: Secret,
    live: Live,
    length: int,
    quota: int | None = None,
) -> None:
    """Plays the history of a seed; raises AssertionError with what happened."""
    history = HistoryV4(seed, sandbox, bots, database, live, quota)
    try:
        history.play(length)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(history.lines)) from error
