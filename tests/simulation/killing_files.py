"""Histories about files whose runs are processes, which are really killed, both at the same time if there are two."""

import signal
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

from tests.simulation.commits import HOOKS, Commits
from tests.simulation.files_history import HistoryOfFiles, played
from tests.simulation.invariants import require
from tests.simulation.machine import Machine
from tests.simulation.offices import Offices
from tests.simulation.orders import Order, Outcome
from tests.simulation.runs import LONGEST_RUN, Launcher
from tests.simulation.totals import Totals

SHARE_KILLED = 0.7
SETTLE = 0.2
LONGEST_WAIT = 1.0


def play_files_killed(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; a kill happens at some number of requests, or a moment after it."""
    offices, dice, totals = Offices(seed, real=True), Random(seed), Totals(histories=1, of_files=1)
    last = offices.world.clock.now()
    with ExitStack() as opened:
        database = opened.enter_context(machine.database(HOOKS))
        commits = opened.enter_context(closing(Commits(database)))
        parent = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="files-")))
        launchers = opened.enter_context(machine.launched())
        for server in offices.servers:
            opened.enter_context(server)
        offices.watch()

        def live(orders: list[Order], may_crash: bool) -> list[Outcome] | None:
            nonlocal last
            now, before = offices.world.clock.now(), _requests(offices)
            commits.our_clock_passes((now - last) / 1000)
            last = now
            pairs = list(zip(launchers, orders, strict=False))
            for launcher, order in pairs:
                launcher.start(order)
            if may_crash and dice.random() < SHARE_KILLED:
                _wait_for(before + dice.randint(1, dice.choice((5, 20, 80))), offices)
                time.sleep(dice.choice((0, 0.001, 0.01)))
                for launcher, _ in pairs:
                    launcher.signal(signal.SIGKILL)
            outcomes = [_ended(launcher) for launcher, _ in pairs]
            commits.settle()
            commits.lease_runs_out()
            totals.runs += len(orders)
            totals.kills += sum(outcome.error == "SIGKILL" for outcome in outcomes)
            return None if any(outcome.error == "SIGKILL" for outcome in outcomes) else outcomes

        history = HistoryOfFiles(seed, offices, database, parent / "to", live)
        history.settle = SETTLE
        played(history, seed, length)
        totals.looks = history.looks
        offices.count(totals)
    return totals


def _ended(launcher: Launcher) -> Outcome:
    outcome = launcher.ended(within=LONGEST_RUN)
    require(outcome is not None, f"a run did not end within {LONGEST_RUN:g} seconds")
    assert outcome
    return outcome


def _requests(offices: Offices) -> int:
    return int(sum(server.requests.total for server in offices.servers))


def _wait_for(requests: int, offices: Offices) -> None:
    """Waits until there were this number of requests, or for a while."""
    end = time.monotonic() + LONGEST_WAIT
    while _requests(offices) < requests and time.monotonic() < end:
        time.sleep(0.001)
