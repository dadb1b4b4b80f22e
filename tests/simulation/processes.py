"""Runs in processes of their own, which are really killed and frozen, and a wire to the database that is really cut."""

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from tests.simulation.commits import Commits
from tests.simulation.conductor import A_MOMENT, SECONDS_AWAY, Conductor, Tell
from tests.simulation.history import RunStep
from tests.simulation.invariants import Broken
from tests.simulation.orders import Order, Outcome
from tests.simulation.runs import LONGEST_RUN, Beside, Launcher
from tests.simulation.stage import Stage
from tests.simulation.wire import Wire

SECONDS_BETWEEN_LOOKS = 0.05


class InProcesses(Conductor):
    """`runner` makes the runs, `rival` those at the same time, or that take the lock over from a frozen one."""

    def __init__(
        self,
        stage: Stage,
        log: list[str],
        tell: Tell,
        commits: Commits,
        wire: Wire,
        launchers: tuple[Launcher, Launcher],
    ) -> None:
        super().__init__(stage, log, tell)
        self._commits, self._wire = commits, wire
        self._runner, self._rival = launchers
        self._at_work: list[Launcher] = []
        self._to_thaw = False
        self._next_look = 0.0

    def played(self, step: RunStep, orders: Sequence[Order]) -> list[Outcome]:
        self._to_thaw = False
        self._wire.lose({fault.at for fault in step.faults if fault.where == "answer"})
        at_commit: dict[int, list[Callable[[], None]]] = defaultdict(list)
        for fault in step.faults:
            if fault.where == "commit" and fault.kind != "full":
                at_commit[fault.at].append(self.happens(fault))
        self._commits.arm(at_commit, [fault.at for fault in step.faults if fault.kind == "full"])
        with Beside(self._commits.look, self._sample) as beside:
            self._at_work = [self._runner, self._rival][: len(orders)]
            for launcher, order in zip(self._at_work, orders, strict=True):
                launcher.start(order)
            outcomes = [self._waited_for(launcher, beside) for launcher in self._at_work]
        self.counted.kills += sum(outcome.error == "SIGKILL" for outcome in outcomes)
        found = {"unheard": self._wire.lost, "full": self._commits.found_no_room()}
        self.counted.faults.update(found)
        self.log += [f"    {number} × {kind}" for kind, number in found.items() if number]
        return outcomes

    def settle(self) -> None:
        self._commits.settle()
        self.stage.watch.settle()

    def time_passed(self, seconds: float) -> None:
        self._commits.our_clock_passes(seconds)

    def kill(self) -> None:
        for launcher in self._at_work:
            launcher.signal(signal.SIGKILL)

    def stop(self) -> None:
        for launcher in self._at_work:
            launcher.signal(signal.SIGTERM)

    def freeze(self) -> None:
        self._runner.signal(signal.SIGSTOP)
        self._to_thaw = True

    def cut(self) -> None:
        self._commits.cut()

    def away(self) -> None:
        self._commits.away(SECONDS_AWAY)

    def unheard(self) -> None:
        """Does nothing: the wire loses the answer."""

    def full(self) -> None:
        """Does nothing: a trigger refuses the rows."""

    def astray(self, requests: int) -> None:
        """Does nothing: no server is at the other origin."""

    def check(self) -> None:
        """Nothing more."""

    def _waited_for(self, launcher: Launcher, beside: Beside) -> Outcome:
        end = time.monotonic() + LONGEST_RUN
        while (outcome := launcher.ended(within=0.05)) is None:
            if beside.amiss:
                raise beside.amiss
            if self._to_thaw:
                self._thaw()
            if time.monotonic() > end:
                raise Broken(f"a run did not end within {LONGEST_RUN:g} seconds")
        return outcome

    def _thaw(self) -> None:
        """Ends the lease of the frozen run, lets another run take the lock over, and then lets the first continue."""
        self._to_thaw = False
        holder = self._commits.holder()
        self._commits.lease_runs_out()
        self.stage.sandbox.world.advance(A_MOMENT)
        self._rival.start(self.rival())
        outcome = self._rival.ended(within=LONGEST_RUN)
        self.took_over(outcome, held=holder is not None and f"process {self._runner.pid} " in holder[0])
        self._runner.signal(signal.SIGCONT)

    def _sample(self) -> None:
        if time.monotonic() > self._next_look:
            self.look()
            self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
