"""Plays a history to its end, or to the first broken invariant."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.simulation import invariants
from tests.simulation.conductor import Conductor
from tests.simulation.events import MOST_SKEW, Event
from tests.simulation.faults import HARMS
from tests.simulation.hints import Hints
from tests.simulation.history import QUIET, History, RunStep
from tests.simulation.history_v4 import HistoryV4
from tests.simulation.invariants import Broken, require
from tests.simulation.lag import LaggingWorld
from tests.simulation.machine import Machine
from tests.simulation.orders import Outcome
from tests.simulation.play_v4 import PlayV4
from tests.simulation.stored import Stored
from tests.simulation.totals import Totals
from tests.simulation.truth import Truth
from tests.simulation.truth_v4 import BOB, LOGINS, TruthV4

HOUR = 3600


def play(history: History | HistoryV4, machine: Machine) -> Totals:
    """Plays a history on a new database; raises Broken, with a log of the events, if an invariant does not hold."""
    log: list[str] = []
    with _played(history, machine, log) as (conductor, truth, played):
        try:
            for step in history.steps:
                if isinstance(step, Event):
                    log.append(played.hints.tell(step))
                else:
                    played.run(step)
            played.end()
        except Exception as error:
            happened = "\n".join(f"  {line}" for line in log)
            how = str(error) if isinstance(error, Broken) else traceback.format_exc()
            raise Broken(f"{how}\n\n{history}\n\nwhat happened:\n{happened}") from None
        return conductor.totals(truth.events)


@contextmanager
def _played(
    history: History | HistoryV4, machine: Machine, log: list[str]
) -> Iterator[tuple[Conductor, Truth | TruthV4, "_Play | PlayV4"]]:
    """A new world, with everything that plays a history in it."""
    given = history.setting
    world = LaggingWorld(history.seed, given.tasks, tick=given.tick)
    if isinstance(history, HistoryV4):
        truth_v4, options = TruthV4(world, history.given.bots), history.given._asdict()
        options |= {"accounts": {LOGINS[BOB]: BOB}}
        del options["bots"]
        hints = Hints(world, truth_v4.happen, truth_v4.seen, lambda: truth_v4.deleted)
        with machine.conducting(given, history.seed, world, hints.tell, log, **options) as conductor:
            hints.store_in(conductor.stage.administrator)
            conductor.counted.over_v4, conductor.counted.two_accounts = 1, history.given.bots - 1
            yield conductor, truth_v4, PlayV4(conductor, truth_v4, history, hints)
    else:
        truth = Truth(world, skews=given.skews)
        hints = Hints(world, truth.happen, truth.seen, lambda: truth.deleted)
        with machine.conducting(given, history.seed, world, hints.tell, log) as conductor:
            hints.store_in(conductor.stage.administrator)
            yield conductor, truth, _Play(conductor, truth, hints, backfills_last=history.seed % 3 == 0)


class _Play:
    """A history that is being played."""

    def __init__(self, conductor: Conductor, truth: Truth, hints: Hints, *, backfills_last: bool) -> None:
        self._backfills_last = backfills_last
        self.log = conductor.log
        self.stage = conductor.stage
        self.truth = truth
        self.hints = hints
        self.conductor = conductor
        self._stored: Stored | None = None
        self.wrong: list[tuple[int, int]] = []
        """Periods in which the server's clock was wrong, in milliseconds of the world's clock."""

    def end(self) -> None:
        """After a census and a sync without faults, everything is stored and nothing is left to do."""
        self.truth.relist_all()
        self.truth.world.catch_up()
        self.truth.world.advance(HOUR)
        if self.hints.ever:
            self._require_ok(self.run(RunStep("hints")))
            self.hints.check_none_left()
        self._require_ok(self.run(RunStep("force")))
        self._require_ok(self.run(RunStep("sync")))  # fetches again the tasks that the census doubted
        self._require_ok(self.run(RunStep("sync")))
        fetched = set(self.stage.watch.fetched) - self.truth.spoiled
        require(not fetched, f"after a quiet census a sync fetched {fetched}")
        assert self._stored
        invariants.check_end(self.stage.database, self._stored, self.truth, self.stage.setting.cap)
        if self._backfills_last:
            written = self._stored.written
            self._require_ok(self.run(RunStep("restart")))
            require(self._stored.written == written, "a backfill of a quiet world wrote rows")

    def _require_ok(self, outcome: Outcome) -> None:
        require(outcome.status == "ok", f"a quiet run ended with {outcome}")

    def run(self, step: RunStep) -> Outcome:
        """Makes a run with its faults, and checks the invariants after it."""
        self.log.append(str(step))
        self.conductor.pass_a_moment()
        before, dates = self._stored or self.stage.reader.stored(), self._dates()
        event = self.truth.begin()
        clock = self.truth.world.clock
        clock.skew += step.jump
        self.hints.begin()
        (outcome,) = self.conductor.run(step, self.conductor.order(step.plan, step.budget, hinted=step.hinted))
        clock.skew -= step.jump
        if step.jump:
            self.wrong.append(
                (self.conductor.began + (step.jump - MOST_SKEW) * 1000, clock.now() + (step.jump + MOST_SKEW) * 1000)
            )
        self.log.append(f"  ended: {outcome.error or outcome.status} {outcome.message}, {self._requests()} requests")
        after = self._stored = self.stage.reader.stored()
        invariants.check_ending(outcome, step.plan, step.faults, step.weather)
        if outcome.status == "ok" and step.plan != "hints":  # it asks again for no task that was set aside
            self._learn(step, after, event, dates)
        if step.plan == "period" and before.cursor is None and after.cursor:
            self._left_out(after, after.cursor, dates)
        self._check(step, outcome, before, after, dates)
        return outcome

    def _is_wrong(self, cursor: datetime | None) -> bool:
        """Whether a cursor may come from a wrong clock; runs do not trust it."""
        return cursor is not None and any(start <= cursor.timestamp() * 1000 <= end for start, end in self.wrong)

    def _dates(self) -> dict[int, datetime | None]:
        return {task_id: self.truth.row_date(task_id) for task_id in self.truth.world.task_ids()}

    def _requests(self) -> int:
        return self.stage.watch.number

    def _learn(self, step: RunStep, after: Stored, event: int, dates: dict[int, datetime | None]) -> None:
        """A complete run has found everything that it had to find."""
        if step.plan in invariants.CENSUSES:
            self.truth.found_by_census(event)
        if step.plan == "period":
            invariants.check_period(after, self.truth, dates, self.stage.setting.span)
        invariants.check_errors(after, self.truth, step.weather, step.faults)

    def _left_out(self, after: Stored, cursor: datetime, dates: dict[int, datetime | None]) -> None:
        """The first cursor is from a backfill of a period: tasks outside of the period were never requested.

        The same is true of tasks that changed between the reading of the dates and of the cursor.
        """
        span, now = self.stage.setting.span, self._dates()
        outside = dates.keys() - invariants.within(dates, span)
        changed = self.truth.touched & (now.keys() - invariants.within(now, span))
        outside |= {task_id for task_id in changed if invariants.has_passed(cursor, task_id, self.truth)}
        self.truth.left_out(task_id for task_id in outside if not invariants.is_right(task_id, after, self.truth))

    def _check(
        self, step: RunStep, outcome: Outcome, before: Stored, after: Stored, dates: dict[int, datetime | None]
    ) -> None:
        fetched = self.stage.watch.fetched
        disturbed = any(fault.kind in HARMS for fault in step.faults)
        invariants.check_whole(self.stage.reader.halves())
        self.hints.check(self.truth.lagged)
        invariants.check_marks(before, after, self.truth, dates.keys(), step.plan)
        invariants.check_progress(before, after, self.truth)
        if not self._is_wrong(after.cursor):
            invariants.check_cursor(before, after, self.truth, outcome, disturbed)
        unhinted = [task_id for task_id in fetched if task_id not in self.hints.at_work]
        invariants.check_fetched(before, unhinted, self.truth, dates)
        if self.conductor.at_takeover:
            invariants.check_fenced(self.conductor.at_takeover, after)
        if not step.faults and step.weather == QUIET:
            invariants.check_each_once(unhinted, self.truth.spoiled.union(self.truth.unlisted))
