"""Histories about the outbox whose pushes are processes: they are really killed, or frozen while another takes over."""

import signal
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from pyrus_etl.sandbox import Faults
from pyrus_etl.settings import Secret
from tests.conftest import environment_of
from tests.simulation.commits import HOOKS, Commits
from tests.simulation.invariants import require
from tests.simulation.machine import Machine
from tests.simulation.orders import Order, Outcome
from tests.simulation.outbox_history import ENDINGS, KINDS, HistoryOfOutbox
from tests.simulation.runs import LONGEST_RUN, Launcher
from tests.simulation.totals import Totals

SHARE_HARMED = 0.8
LATE, LATEST = 2.5, 0.2
"""Seconds of grace of a push, and after which a late request is carried out: they are real ones here."""
LEASE = 2.0
"""Seconds after which a frozen push knows that its lock may be gone; the simulation ends the lease itself at once.

The push that takes over waits for `LATE` before it repeats a request, so the frozen one sleeps longer than this."""
LONGEST_WAIT = 1.5


class HistoryInProcesses(HistoryOfOutbox):
    """Each push is a process. One that is frozen wakes up when another push has taken its lock, and has ended."""

    def __init__(
        self, seed: int, database: Secret, commits: Commits, folder: Path, launchers: tuple[Launcher, Launcher]
    ) -> None:
        super().__init__(seed, database, commits, folder, is_real=True)
        self._commits = commits
        self._runner, self._rival = launchers

    def _weather(self) -> None:
        rates: Any = {kind: self.dice.choice((0, 0, 0.1)) for kind in KINDS}
        late_seconds = self.dice.uniform(0.01, LATEST)
        self.sandbox.faults = Faults(
            seed=self.dice.randrange(99), endpoints=("writes",), late_seconds=late_seconds, **rates
        )

    def _run(self, *plans: str, may_crash: bool = False) -> list[Outcome]:
        self.world.advance(3)
        self._commits.our_clock_passes(3)
        environment = environment_of(self.sandbox, self._database, PYRUS_API=self.api)
        orders = [Order(plan, environment, target=str(self._folder), late=LATE, lease=LEASE) for plan in plans]
        before = int(self.sandbox.requests.total)
        at_work = [self._runner, self._rival][: len(orders)]
        for launcher, order in zip(at_work, orders, strict=True):
            launcher.start(order)
        outcomes = self._harmed(at_work, orders, before) if may_crash and self.dice.random() < SHARE_HARMED else []
        outcomes += [_ended(launcher) for launcher in at_work]
        self._settle()
        self.lines.append(f"{plans} {[(one.error, one.message) for one in outcomes]}")
        self.totals.runs += len(outcomes)
        self.totals.kills += sum(outcome.error == "SIGKILL" for outcome in outcomes)
        for outcome in outcomes:
            require(not outcome.amiss, f"a push ended with something that must never happen:\n{outcome.amiss}")
            require(outcome.error in ENDINGS | {"SIGKILL"}, f"a push ended with {outcome}")
        self.check()
        return outcomes

    def _harmed(self, at_work: list[Launcher], orders: list[Order], before: int) -> list[Outcome]:
        """Kills the pushes at some request, or a moment later; or freezes one, and lets another one push meanwhile."""
        self._wait_for(before + self.dice.randint(1, self.dice.choice((5, 20, 60))))
        time.sleep(self.dice.choice((0, 0.001, 0.01)))
        if len(at_work) > 1 or self.dice.random() < 0.6:
            for launcher in at_work:
                launcher.signal(signal.SIGKILL)
            return []
        self.totals.faults["freeze"] += 1
        self._runner.signal(signal.SIGSTOP)
        self._commits.lease_runs_out()
        self._rival.start(orders[0])
        outcome = _ended(self._rival)
        self._runner.signal(signal.SIGCONT)
        return [outcome]

    def _wait_for(self, requests: int) -> None:
        """Waits until there were this number of requests, or for a while."""
        end = time.monotonic() + LONGEST_WAIT
        while self.sandbox.requests.total < requests and time.monotonic() < end:
            time.sleep(0.001)

    def _settle(self) -> None:
        """Waits until the requests of the dead are carried out; their lock is free."""
        self._commits.settle()
        self._commits.lease_runs_out()
        end = time.monotonic() + 5
        while self.sandbox.requests.in_flight and time.monotonic() < end:
            time.sleep(0.005)


def _ended(launcher: Launcher) -> Outcome:
    outcome = launcher.ended(within=LONGEST_RUN)
    require(outcome is not None, f"a run did not end within {LONGEST_RUN:g} seconds")
    assert outcome
    return outcome


def play_outbox_killed(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    with ExitStack() as opened:
        database = opened.enter_context(machine.database(HOOKS))
        commits = opened.enter_context(closing(Commits(database)))
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="outbox-")))
        (folder / "file.txt").write_bytes(b"the file")
        launchers = opened.enter_context(machine.launched())
        history = opened.enter_context(closing(HistoryInProcesses(seed, database, commits, folder, launchers)))
        opened.enter_context(history.sandbox)
        return history.played(seed, length)
