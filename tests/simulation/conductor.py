"""Makes one run, with its faults."""

import signal
import time
from collections import defaultdict
from collections.abc import Callable

from tests.conftest import environment_of
from tests.servers import stopped
from tests.simulation.faults import Fault
from tests.simulation.history import RunStep
from tests.simulation.invariants import Broken, check_whole, require
from tests.simulation.launcher import Order, Outcome
from tests.simulation.runs import LONGEST_RUN, Beside
from tests.simulation.stage import Stage
from tests.simulation.stored import Stored
from tests.simulation.totals import Totals

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_AWAY = 1.0
A_MOMENT = 3
"""Seconds between two runs: two same answers within the second of a change are believed, though it may change again."""


class Conductor:
    """Makes runs on a stage, writes the events to `log`, and counts them.

    About the last run: `froze` says whether it was stopped for a while; `at_takeover` is the database at the moment
    when another run had taken the lock over.
    """

    def __init__(self, stage: Stage, log: list[str]) -> None:
        self._stage = stage
        self._log = log
        self.counted = Totals(histories=1)
        self.froze = False
        self.at_takeover: Stored | None = None
        self._to_thaw = False
        self._amiss: list[Exception] = []
        self._next_look = 0.0

    def run(self, step: RunStep) -> Outcome:
        """Makes a run, and waits until it and its connections have ended."""
        stage = self._stage
        self.froze = self._to_thaw = False
        self.at_takeover = None
        self._amiss.clear()
        self._set_up(step)
        with Beside(stage.commits.look, self._sample) as beside:
            stage.runner.start(self._order(step.plan, step.budget))
            outcome = self._waited_for(beside)
        self._count(outcome)
        if self._amiss:
            raise self._amiss[0]
        stage.commits.settle()
        stage.watch.settle()
        if not step.patient:
            stage.commits.lease_runs_out()
        return outcome

    def _set_up(self, step: RunStep) -> None:
        """Sets up the error rates and the faults, each at its place."""
        stage, quota = self._stage, self._stage.setting.quota
        stage.watch.clear()
        stage.sandbox.faults, stage.sandbox.down = step.weather.faults, False
        stage.sandbox.reconfigure(quota=(quota, 1.0) if quota else None)
        stage.wire.lose({fault.at for fault in step.faults if fault.where == "answer"})
        at_commit: dict[int, list[Callable[[], None]]] = defaultdict(list)
        for fault in step.faults:
            match fault.where:
                case "request":
                    stage.watch.at[fault.at].append(self._happens(fault))
                case "contacts":
                    stage.watch.at_contacts.append(self._happens(fault))
                case "commit" if fault.kind != "full":
                    at_commit[fault.at].append(self._happens(fault))
        stage.commits.arm(at_commit, [fault.at for fault in step.faults if fault.kind == "full"])

    def _count(self, outcome: Outcome) -> None:
        found = {"unheard": self._stage.wire.lost, "full": self._stage.commits.found_no_room()}
        self.counted.runs += 1
        self.counted.endings[outcome.error] += 1
        self.counted.faults.update(found)
        self._log += [f"    {number} × {kind}" for kind, number in found.items() if number]

    def _order(self, plan: str, budget: int | None = None) -> Order:
        stage, given = self._stage, self._stage.setting
        environment = environment_of(stage.sandbox, stage.wire.url, PYRUS_ETL_CONCURRENCY=str(given.concurrency))
        if given.quota:
            environment["PYRUS_ETL_QUOTA"] = f"{given.quota}/1s"
        return Order(plan, environment, budget, given.span, given.linger, given.largest_batch, given.most_in_flight)

    def _happens(self, fault: Fault) -> Callable[[], None]:
        """The action of a fault; its errors are raised at the end of the run."""

        def happens() -> None:
            try:
                self._log.append(f"    {fault}: {self._happen(fault)}")
                self.counted.faults[fault.kind] += 1
            except Exception as error:
                self._amiss.append(error)

        return happens

    def _happen(self, fault: Fault) -> str:
        stage = self._stage
        match fault.kind:
            case "event":
                assert fault.event
                return stage.truth.happen(fault.event)
            case "kill" | "stop":
                stage.runner.signal(signal.SIGKILL if fault.kind == "kill" else signal.SIGTERM)
            case "freeze":
                stage.runner.signal(signal.SIGSTOP)
                self._to_thaw = self.froze = True
            case "cut":
                stage.commits.cut()
            case "away":
                stage.commits.away(SECONDS_AWAY)
            case "restart" | "crash":
                with stopped(stage.server, signal.SIGINT if fault.kind == "restart" else signal.SIGQUIT):
                    pass
            case "tokens":
                stage.sandbox.revoke_tokens()
            case "down":
                stage.sandbox.down = True
                stage.watch.at[stage.watch.number + fault.requests].append(self._up)
        return "done"

    def _up(self) -> None:
        self._stage.sandbox.down = False

    def _waited_for(self, beside: Beside) -> Outcome:
        end = time.monotonic() + LONGEST_RUN
        while (outcome := self._stage.runner.ended(within=0.05)) is None:
            if beside.amiss:
                raise beside.amiss
            if self._to_thaw:
                self._thaw()
            if time.monotonic() > end:
                raise Broken(f"a run did not come to its end within {LONGEST_RUN:g} seconds")
        return outcome

    def _thaw(self) -> None:
        """Ends the lease of the frozen run, lets another run take the lock over, and then lets the first continue."""
        stage = self._stage
        self._to_thaw = False
        held = stage.commits.holds(stage.runner.pid)
        stage.commits.lease_runs_out()
        stage.truth.world.advance(A_MOMENT)
        stage.rival.start(self._order("sync"))
        outcome = stage.rival.ended(within=LONGEST_RUN)
        if (held or self.at_takeover) and outcome and outcome.status == "ok":
            self.at_takeover = stage.reader.stored()  # again if it froze twice: the second rival wrote too
        stage.runner.signal(signal.SIGCONT)
        self.counted.runs += 1
        require(outcome is not None, "a run beside a frozen one did not come to its end")
        assert outcome
        self._log.append(f"    a sync beside it ended: {outcome.error or outcome.status} {outcome.message}")
        require(not outcome.amiss, f"a run beside a frozen one ended with\n{outcome.amiss}")

    def _sample(self) -> None:
        if time.monotonic() > self._next_look:
            check_whole(self._stage.reader.halves())
            self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
