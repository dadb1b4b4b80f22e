"""Histories over API v4 whose runs are processes, which are really killed, both at the same time if there are two."""

import signal
import time
from contextlib import closing
from random import Random

from pyrus_etl.sandbox import Sandbox
from tests.simulation import api_v4
from tests.simulation.commits import HOOKS, Commits
from tests.simulation.invariants import require
from tests.simulation.machine import Machine
from tests.simulation.orders import Order, Outcome
from tests.simulation.runs import LONGEST_RUN, Launcher
from tests.simulation.totals import Totals

SHARE_KILLED = 0.6


def play_v4_killed(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; a kill happens at some number of requests, or soon after it."""
    (sandbox, bots), dice = api_v4.sandbox_of(seed), Random(seed)
    last = sandbox.world.clock.now()
    totals = Totals(histories=1, over_v4=1, two_accounts=len(bots) - 1)
    with (
        machine.database(HOOKS) as database,
        closing(Commits(database)) as commits,
        machine.launched() as launchers,
        sandbox,
    ):

        def live(orders: list[Order], may_crash: bool) -> list[Outcome] | None:
            nonlocal last
            now, before = sandbox.world.clock.now(), sandbox.requests.total
            commits.our_clock_passes((now - last) / 1000)
            last = now
            for launcher, order in zip(launchers, orders, strict=False):
                launcher.start(order)
            if may_crash and dice.random() < SHARE_KILLED:
                _wait_for(before + dice.randint(1, dice.choice((10, 60, 150))), sandbox)
                for launcher in launchers:
                    launcher.signal(signal.SIGKILL)
            outcomes = [ended(launcher) for launcher, _ in zip(launchers, orders, strict=False)]
            commits.settle()
            commits.lease_runs_out()
            totals.runs += len(orders)
            totals.kills += sum(outcome.error == "SIGKILL" for outcome in outcomes)
            return None if any(outcome.error == "SIGKILL" for outcome in outcomes) else outcomes

        api_v4.play_on(sandbox, bots, seed, database, live, length)
    return totals


def ended(launcher: Launcher) -> Outcome:
    outcome = launcher.ended(within=LONGEST_RUN)
    require(outcome is not None, f"a run did not end within {LONGEST_RUN:g} seconds")
    assert outcome
    return outcome


def _wait_for(requests: int, sandbox: Sandbox) -> None:
    """Waits until there were this number of requests, or there are no more for a while."""
    last, since = 0, time.monotonic()
    while (total := sandbox.requests.total) < requests and time.monotonic() - since < 0.5:
        last, since = (last, since) if total == last else (total, time.monotonic())
        time.sleep(0.002)
