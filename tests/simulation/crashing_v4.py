"""Histories over API v4 whose runs crash in this process, both at the same time if two bots are at work."""

import asyncio
from contextlib import ExitStack, closing
from functools import partial
from random import Random

from pyrus_etl.sandbox.clock import moment
from pyrus_etl.sandbox.quota import Quota
from pyrus_etl.sandbox.server import Server
from tests.simulation import api_v4
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.faults import any_kill
from tests.simulation.invariants import require
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.life import Life, living
from tests.simulation.machine import Machine
from tests.simulation.orders import Order, Outcome, carry_out
from tests.simulation.passing import Time
from tests.simulation.totals import Totals

SHARE_CRASHED = 0.5
"""Of the runs that may crash; the place of the crash may be behind the end of the run."""

MOST_REQUESTS = 40
"""The quota of one second, if there is one."""


def play_v4(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    (sandbox, bots), clock, dice = api_v4.sandbox_of(seed), Time(), Random(seed)
    world, server = sandbox.world, Server(sandbox.backend)
    totals = Totals(histories=1, over_v4=1, two_accounts=len(bots) - 1)
    quota = dice.choice((None, MOST_REQUESTS)) if len(bots) == 1 else None  # the sandbox has one for all of them

    def live(orders: list[Order], may_crash: bool) -> list[Outcome] | None:
        async def together() -> list[Outcome]:
            return await asyncio.gather(*map(carry_out, orders))

        if quota:
            sandbox.backend.quota = Quota(quota, 1.0, clock.now)
        life = Life(clock, Random(dice.random()), server.handle)
        if may_crash and dice.random() < SHARE_CRASHED:
            life.put(any_kill(dice, kills=False), life.kill)
        done = life.live(together)
        require(not life.errors, f"errors were logged: {life.errors}")
        totals.runs += len(orders)
        totals.steps += life.steps
        totals.crashes += not done
        return done

    with ExitStack() as opened:
        database = opened.enter_context(machine.database(CLOCK))
        administrator = opened.enter_context(closing(Administrator(database)))
        clock.show = partial(administrator.show_time, clock)
        opened.enter_context(nothing_left_behind())
        opened.enter_context(living(clock, lambda: moment(world.clock.now()), seed))
        api_v4.play_on(sandbox, bots, seed, database, live, length, quota)
    return totals
