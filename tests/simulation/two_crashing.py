"""Histories of two accounts whose runs crash in this process, both at the same time if both are at work."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from functools import partial
from random import Random
from typing import TypeVar

from aiohttp import web

from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.sandbox.server.server import Server
from tests.simulation import two_accounts
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.faults import any_kill
from tests.simulation.invariants import require
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.life import Life, living
from tests.simulation.machine import Machine
from tests.simulation.passing import Time
from tests.simulation.totals import Totals

T = TypeVar("T")

SHARE_CRASHED = 0.5
"""Of the runs that may crash; the place of the crash may be behind the end of the run."""


def play_two_accounts(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    sandbox, clock, dice = two_accounts.sandbox_of(seed), Time(), Random(seed)
    world, server = sandbox.world, Server(sandbox.backend)
    totals = Totals(histories=1, two_accounts=1)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        history.about_to_answer()
        answer: web.StreamResponse = await server.handle(request)
        return answer

    def live(work: Callable[[], Awaitable[T]], may_crash: bool) -> T | None:
        life = Life(clock, Random(dice.random()), handle, history.look)
        if may_crash and dice.random() < SHARE_CRASHED:
            life.put(any_kill(dice, kills=False), life.kill)
        done = life.live(work)
        require(not life.errors, f"errors were logged: {life.errors}")
        totals.runs, totals.steps, totals.crashes = (
            totals.runs + 1,
            totals.steps + life.steps,
            totals.crashes + (not done),
        )
        return done

    with ExitStack() as opened:
        database = opened.enter_context(machine.database(CLOCK))
        administrator = opened.enter_context(closing(Administrator(database)))
        clock.show = partial(administrator.show_time, clock)
        opened.enter_context(nothing_left_behind())
        opened.enter_context(living(clock, lambda: moment(world.clock.now()), seed))
        history = two_accounts.History(seed, sandbox, database, live)
        two_accounts.played(history, length)
    return totals
