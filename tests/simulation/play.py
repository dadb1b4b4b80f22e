"""Playing a history, to its end or to the first invariant that breaks."""

import itertools
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime

import psycopg

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.conftest import environment_of
from tests.servers import Server
from tests.simulation import invariants
from tests.simulation.commits import HOOKS, Commits
from tests.simulation.faults import Fault
from tests.simulation.history import QUIET, History, RunStep, Setting, Step
from tests.simulation.invariants import Broken, Reader, Stored, require
from tests.simulation.launcher import Order, Outcome
from tests.simulation.runs import LONGEST_RUN, Beside, Launcher, Watch, put_in
from tests.simulation.totals import Totals
from tests.simulation.wire import Wire, wired
from tests.simulation.world_events import Event, Truth

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_AWAY = 1.0
_numbers = itertools.count(1)


def play(history: History, server: Server, template: str, launchers: tuple[Launcher, Launcher]) -> Totals:
    """Plays a history on a fresh database; raises Broken, with the log of what happened, where an invariant breaks."""
    with _database(server, template) as database, ExitStack() as opened:
        world = World(history.seed, history.setting.tasks, tick=history.setting.tick)
        given = history.setting
        sandbox = opened.enter_context(
            Sandbox(world, cap=given.cap, order=given.order, period=given.period, token_requests=given.token_requests)
        )
        commits = opened.enter_context(closing(Commits(database)))
        reader = opened.enter_context(closing(Reader(database)))
        wire = opened.enter_context(wired(database))
        played = _Play(history.setting, sandbox, database, wire, commits, reader, launchers)
        try:
            for step in history.steps:
                played.step(step)
            played.end()
        except Exception as error:
            log = "\n".join(f"  {line}" for line in played.log)
            raise Broken(f"{error}\n\n{history}\n\nwhat happened:\n{log}") from (
                None if isinstance(error, Broken) else error
            )
        finally:
            for launcher in launchers:
                launcher.end()
        return played.totals()


@contextmanager
def _database(server: Server, template: str) -> Iterator[Secret]:
    name = f"simulation_{os.getpid()}_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        with psycopg.connect(server.url(name).reveal(), autocommit=True) as connection:
            connection.execute(HOOKS.encode())
        yield server.url(name)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


class _Play:
    """A history that is being played."""

    def __init__(
        self,
        setting: Setting,
        sandbox: Sandbox,
        database: Secret,
        wire: Wire,
        commits: Commits,
        reader: Reader,
        launchers: tuple[Launcher, Launcher],
    ) -> None:
        self.setting, self.sandbox, self.database = setting, sandbox, database
        self.wire, self.commits, self.reader = wire, commits, reader
        self.runner, self.rival = launchers
        self.truth = Truth(sandbox.world)
        self.watch = Watch()
        put_in(self.watch, sandbox)
        self.log: list[str] = []
        self._counted = Totals(histories=1)
        self._frozen = self._to_thaw = False
        self._amiss: list[Exception] = []
        self._next_look = 0.0
        self._at_takeover: Stored | None = None

    def totals(self) -> Totals:
        self.watch.clear()
        self._counted.requests, self._counted.events = self.watch.requests_in_all, self.truth.events
        self._counted.looks = self.reader.looks
        self._counted.faults += self.watch.faults_in_all
        return self._counted

    def step(self, step: Step) -> None:
        if isinstance(step, Event):
            self.log.append(self.truth.happen(step))
        else:
            self.run(step)

    def end(self) -> None:
        """After a quiet census everything is as it should be, and there is nothing left to do."""
        self._require_ok(self.run(RunStep("force")))
        self._require_ok(self.run(RunStep("sync")))
        fetched = set(self.watch.fetched) - self.truth.spoiled
        require(not fetched, f"after a quiet census a sync fetched {fetched}")
        stored = self.reader.stored()
        invariants.check_end(self.database, stored, self.truth, self.setting.cap)
        self._require_ok(self.run(RunStep("restart")))
        require(self.reader.stored().written == stored.written, "a backfill of a quiet world wrote rows")

    def _require_ok(self, outcome: Outcome) -> None:
        require(outcome.status == "ok", f"a quiet run ended with {outcome}")

    def run(self, step: RunStep) -> Outcome:
        """A run with its faults, and everything that has to hold after it."""
        self.log.append(str(step))
        before, dates = self.reader.stored(), self._dates()
        event = self.truth.begin()
        outcome = self._conduct(step)
        self.log.append(f"  ended: {outcome.error or outcome.status} {outcome.message}, {self.watch.number} requests")
        self._recover(outcome, step)
        after, fetched = self.reader.stored(), self.watch.fetched
        self.reader.look()
        invariants.check_ending(outcome, step.plan, step.faults, step.weather)
        if outcome.status == "ok":
            if step.plan in invariants.CENSUSES:
                self.truth.found_by_census(event)
            invariants.check_errors(after, self.truth, step.weather, step.faults)
        invariants.check_marks(before, after, self.truth, dates.keys(), step.plan)
        disturbed = bool({"kill", "cut", "unheard", "away", "freeze", "stop"} & {fault.kind for fault in step.faults})
        invariants.check_progress(before, after, self.truth)
        invariants.check_cursor(before, after, self.truth, outcome, disturbed)
        invariants.check_fetched(before, fetched, self.truth, dates)
        if self._at_takeover:
            invariants.check_fenced(self._at_takeover, after)
        if not step.faults and step.weather == QUIET:
            invariants.check_each_once(fetched, self.truth.spoiled)
        require(self.sandbox.overruns == 0 or self._frozen, f"{self.sandbox.overruns} requests went over the quota")
        return outcome

    def _dates(self) -> dict[int, datetime | None]:
        return {task_id: self.truth.row_date(task_id) for task_id in self.truth.world.task_ids()}

    def _conduct(self, step: RunStep) -> Outcome:
        self.watch.clear()
        self._frozen = self._to_thaw = False
        self._at_takeover = None
        self._amiss.clear()
        self._counted.runs += 1
        self.sandbox.faults, self.sandbox.down = step.weather.faults, False
        self.sandbox.reconfigure(quota=(self.setting.quota, 1.0) if self.setting.quota else None)
        at_commit: dict[int, list[Callable[[], None]]] = defaultdict(list)
        self.wire.lose({fault.at for fault in step.faults if fault.where == "answer"})
        for fault in (fault for fault in step.faults if fault.where != "answer"):
            (self.watch.at if fault.where == "request" else at_commit)[fault.at].append(self._happens(fault))
        self.commits.arm(at_commit)
        with Beside(self.commits.look, self._sample) as beside:
            self.runner.start(self._order(step.plan, step.budget))
            outcome = self._waited_for(beside)
        self._counted.endings[outcome.error] += 1
        self._counted.faults["unheard"] += self.wire.lost
        self.log += [f"    {self.wire.lost} commits were not heard of"] if self.wire.lost else []
        return outcome

    def _order(self, plan: str, budget: int | None = None) -> Order:
        given = self.setting
        environment = environment_of(self.sandbox, self.wire.url, PYRUS_ETL_CONCURRENCY=str(given.concurrency))
        if given.quota:
            environment["PYRUS_ETL_QUOTA"] = f"{given.quota}/1s"
        return Order(plan, environment, budget, given.linger, given.largest_batch, given.most_on_the_road)

    def _happens(self, fault: Fault) -> Callable[[], None]:
        """What to do when the fault's time has come; errors are kept for the end of the run."""

        def happens() -> None:
            self.log.append(f"    {fault}: {self._happen(fault)}")
            self._counted.faults[fault.kind] += 1

        def safely() -> None:
            try:
                happens()
            except Exception as error:
                self._amiss.append(error)

        return safely

    def _happen(self, fault: Fault) -> str:
        match fault.kind:
            case "event":
                assert fault.event
                return self.truth.happen(fault.event)
            case "kill":
                self.runner.signal(signal.SIGKILL)
            case "stop":
                self.runner.signal(signal.SIGTERM)
            case "freeze":
                self.runner.signal(signal.SIGSTOP)
                self._to_thaw = self._frozen = True
            case "cut":
                self.commits.cut()
            case "away":
                self.commits.away(SECONDS_AWAY)
            case "tokens":
                self.sandbox.revoke_tokens()
            case "down":
                self.sandbox.down = True
                self.watch.at[self.watch.number + fault.requests].append(self._up)
        return "done"

    def _up(self) -> None:
        self.sandbox.down = False

    def _waited_for(self, beside: Beside) -> Outcome:
        end = time.monotonic() + LONGEST_RUN
        while (outcome := self.runner.ended(within=0.05)) is None:
            if beside.amiss:
                raise beside.amiss
            if self._to_thaw:
                self._thaw()
            if time.monotonic() > end:
                raise Broken(f"a run did not come to its end within {LONGEST_RUN:g} seconds")
        return outcome

    def _thaw(self) -> None:
        """While the run is frozen its lease runs out, another takes the lock over, and then it goes on."""
        self._to_thaw = False
        held = self.commits.holds(self.runner.pid)
        self.commits.lease_runs_out()
        self.rival.start(self._order("sync"))
        outcome = self.rival.ended(within=LONGEST_RUN)
        if (held or self._at_takeover) and outcome and outcome.status == "ok":
            self._at_takeover = self.reader.stored()  # anew where it was frozen twice: the second rival wrote too
        self.runner.signal(signal.SIGCONT)
        self._counted.runs += 1
        require(outcome is not None, "a run beside a frozen one did not come to its end")
        assert outcome
        self.log.append(f"    meanwhile a sync ended: {outcome.error or outcome.status} {outcome.message}")
        require(not outcome.amiss, f"a run beside a frozen one ended with\n{outcome.amiss}")

    def _recover(self, outcome: Outcome, step: RunStep) -> None:
        """What is left of a process that was killed passes away, and so does the time of its lease."""
        if self._amiss:
            raise self._amiss[0]
        self.commits.settle()
        self.watch.settle()
        if not step.patient:
            self.commits.lease_runs_out()

    def _sample(self) -> None:
        if time.monotonic() > self._next_look:
            self.reader.look()
            self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
