"""What is special about playing a history over API v4: its runs, and the invariants after each and at its end."""

from typing import Any

import psycopg

from pyrus_etl.sandbox import Faults
from pyrus_etl.sandbox.v4.tree import LISTS
from tests.simulation.conductor import Conductor
from tests.simulation.faults import permitted
from tests.simulation.hints import Hints
from tests.simulation.history import RunStep
from tests.simulation.history_v4 import LAG, HistoryV4
from tests.simulation.invariants import check_fenced, check_idle, check_whole, require
from tests.simulation.orders import Order, Outcome
from tests.simulation.truth_v4 import LOGINS, Known, TruthV4
from tests.tables_v4 import assert_tables_equal_bodies_v4, different_rows

HOUR = 3600
STORED = "SELECT task_id FROM pyrus.tasks"
SEEN = "SELECT account_id, task_id FROM pyrus.task_sightings"
SEEN_FORMS = "SELECT account_id, thing_id FROM pyrus.directory_sightings WHERE stream = 'forms'"
MARKED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL"
BODIES = """
    SELECT task_id, payload::text FROM pyrus.raw_tasks JOIN pyrus.tasks USING (task_id)
    WHERE api = 'v4' AND deleted_at IS NULL
"""
DATES = "SELECT task_id, (payload #>> '{task,last_modified_date}')::timestamptz FROM pyrus.raw_tasks WHERE api = 'v4'"
SET_ASIDE = 6


class PlayV4:
    """A history over API v4 that is being played."""

    def __init__(self, conductor: Conductor, truth: TruthV4, history: HistoryV4, hints: Hints) -> None:
        self._given = history.given
        self._log = conductor.log
        self._conductor = conductor
        self._truth = truth
        self.hints = hints
        self._sandbox = conductor.stage.sandbox

    def run(self, step: RunStep) -> list[Outcome]:
        """Makes the runs of a step with their faults, and checks the invariants after them."""
        self._log.append(str(step))
        self._conductor.pass_a_moment()
        before, dates = self._ids(MARKED), dict(self._ask(DATES))
        self._truth.begin(self._known(step))
        outcomes = self._conductor.run(step, *self._orders(step))
        self._log += [f"  ended: {outcome.error or outcome.status} {outcome.message}" for outcome in outcomes]
        for outcome in outcomes:
            self._check_ending(outcome, step)
        self._check(step, before, dates)
        return outcomes

    def _orders(self, step: RunStep) -> list[Order]:
        plans = zip(self._truth.bots, (step.plan, step.beside), strict=False)
        api = "v3" if step.over_v3 else "v4"
        login = {bot: {"PYRUS_API": api, "PYRUS_LOGIN": LOGINS[bot]} for bot in self._truth.bots}
        order, budget, hinted = self._conductor.order, step.budget, step.hinted
        return [order(plan, budget, hinted=hinted, **login[bot]) for bot, plan in plans if plan]

    def _check_ending(self, outcome: Outcome, step: RunStep) -> None:
        """A run ends well, without some forms or tasks, or with an error that its faults explain."""
        require(not outcome.amiss, f"a run ended with something that must never happen:\n{outcome.amiss}")
        allowed = permitted(step.faults, step.weather, step.plan)
        is_explained = outcome.exit_code in (0, SET_ASIDE) or outcome.error in allowed
        require(is_explained, f"a run ended with {outcome}; permitted: {allowed}")

    def _check(self, step: RunStep, before: set[int], dates: dict[int, Any]) -> None:
        """What holds after every run, however it ended."""
        wrong = self._ids(MARKED) - before - self._truth.missing(over_v3=step.over_v3)
        require(not wrong, f"{wrong} are marked as deleted, and are there")
        older = [one for one, date in self._ask(DATES) if one in dates and date < dates[one]]
        require(not older, f"older bodies came back: {older}")
        check_whole(self._conductor.stage.reader.halves())
        self.hints.check()
        bodies = {task_id: body.encode() for task_id, body in self._ask(BODIES)}
        differ = different_rows(self._conductor.stage.database, bodies)
        require(not differ, f"rows differ from the body that gave them: {differ}")
        if self._conductor.at_takeover:
            check_fenced(self._conductor.at_takeover, self._conductor.stage.reader.stored())

    def end(self) -> None:
        """Everything is shown again: after a sync, a census and a sync the tables are what the bots see."""
        self._sandbox.faults = Faults()
        self._truth.share_forms()
        self._truth.relist_all()
        self._truth.world.advance(LAG + HOUR)
        if self.hints.ever:
            for number in range(len(self._truth.bots)):
                self._alone(number, "hints")
            self.hints.check_none_left()
        for plan in ("sync", "force", "sync"):
            ended = [self._alone(number, plan) for number in range(len(self._truth.bots))]
        require({outcome.exit_code for outcome in ended} == {0}, f"a quiet run ended with {ended}")
        assert_tables_equal_bodies_v4(self._conductor.stage.database, self._truth.bodies())
        for number in range(len(self._truth.bots)):
            self._alone(number, "sync")
            if self._given.list_cap is None:
                check_idle(self._sandbox.requests.summary(), len(self._truth.forms) + len(LISTS))

    def _alone(self, number: int, plan: str) -> Outcome:
        """A run of one of the bots."""
        (outcome,) = self.run(RunStep("", beside=plan) if number else RunStep(plan))
        return outcome

    def _known(self, step: RunStep) -> Known:
        plans = zip(self._truth.bots, (step.plan, step.beside), strict=False)
        running = [bot for bot, plan in plans if plan]
        return Known(self._ids(STORED), set(self._ask(SEEN)), set(self._ask(SEEN_FORMS)), running)

    def _ids(self, query: str) -> set[int]:
        return {task_id for (task_id,) in self._ask(query)}

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._conductor.stage.database.reveal(), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()
