"""Histories about files whose runs crash in this process: at a step, a request, a commit, or a call to the disk."""

import asyncio
import os
import signal
import tempfile
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from random import Random
from typing import cast

import psycopg

from pyrus_etl.postgres.connection import Session
from pyrus_etl.sandbox.organisation.clock import moment
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.disk import Disk, mounted
from tests.simulation.faults import Fault, Where
from tests.simulation.files_history import HistoryOfFiles, played
from tests.simulation.invariants import require
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.life import Life, cut, living
from tests.simulation.machine import Machine
from tests.simulation.offices import Offices
from tests.simulation.orders import Order, Outcome, carry_out
from tests.simulation.passing import Time
from tests.simulation.totals import Totals

PLACES = {"step": 600, "request": 60, "answered": 60, "commit": 30, "answer": 30, "file": 200}
"""Where a fault may happen, and the greatest number of a step, request … at which it does."""
FAULTS = {"kill": 8, "stop": 1, "cut": 2, "unheard": 2, "full": 1, "freeze": 4, "nothing": 3}
"""kill, stop: SIGKILL and SIGTERM. cut: the connections to the database are lost. unheard: a commit succeeds, and its
answer is lost. full: the disk has no room from there on. freeze: SIGSTOP, until a mirror has taken the lock over."""
SHARE_LOOKED_AT = 0.3
"""Share of the commits after which the rows are compared with the disk."""


def play_files(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    with ExitStack() as opened:
        database = opened.enter_context(machine.database(CLOCK))
        parent = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="files-")))
        administrator = opened.enter_context(closing(Administrator(database)))
        stage = _Stage(seed, administrator)
        opened.enter_context(nothing_left_behind())
        world = stage.offices.world
        opened.enter_context(living(stage.clock, lambda: moment(world.clock.now()), seed))
        opened.enter_context(mounted(stage.disk))
        history = HistoryOfFiles(seed, stage.offices, database, parent / "to", stage.live)
        stage.history = history
        played(history, seed, length)
        stage.totals.looks = history.looks
        stage.offices.count(stage.totals)
        return stage.totals


class _Stage:
    """Makes the runs of a history, one life after another."""

    def __init__(self, seed: int, administrator: Administrator) -> None:
        self.offices, self.clock, self._dice = Offices(seed, real=False), Time(), Random(seed)
        self.offices.watch()
        self.clock.show = partial(administrator.show_time, self.clock)
        self.disk = Disk(Random(seed), self._touched, lambda: self.history.look())  # noqa: PLW0108 -- it has no history yet
        self.totals = Totals(histories=1, of_files=1)
        self._administrator = administrator
        self._life: Life | None = None
        self.history: HistoryOfFiles

    def live(self, orders: list[Order], may_crash: bool) -> list[Outcome] | None:
        async def together() -> list[Outcome]:
            return await asyncio.gather(*map(carry_out, orders))

        self._life = life = Life(self.clock, Random(self._dice.random()), self.offices.handle, self._committed)
        if may_crash:
            self._arm(life)
        open_files = len(os.listdir("/proc/self/fd"))
        done = life.live(together)
        self._life = None
        left_by_run = self.disk.die()
        left = len(os.listdir("/proc/self/fd")) - open_files
        require(left <= 0, f"{left} files or sockets were left open by a dead run")
        require(not left_by_run or done is None, f"a run left {left_by_run} files open")
        require(not life.errors, f"errors were logged: {life.errors}")
        self.totals.runs += len(orders)
        self.totals.steps += life.steps
        self.totals.crashes += done is None
        return done

    def _touched(self) -> None:
        assert self._life
        self._life.about_to_touch_a_file()

    def _committed(self) -> None:
        if self._dice.random() < SHARE_LOOKED_AT:
            self.history.look_at_rows()

    def _arm(self, life: Life) -> None:
        """Puts a fault or two at their places, which may be behind the end of the run."""
        self.offices.at.clear()
        self.offices.after.clear()
        for _ in range(self._dice.choice((1, 1, 2))):
            kind = self._dice.choices(list(FAULTS), list(FAULTS.values()))[0]
            where = {"unheard": "answer", "full": "file"}.get(kind) or self._dice.choice(list(PLACES))
            at = self._dice.randint(1, self._dice.choice((5, PLACES[where] // 5, PLACES[where])))
            happens = partial(self._happen, kind, life)
            if where in ("request", "answered"):
                number = self.offices.requests + at
                (self.offices.at if where == "request" else self.offices.after).setdefault(number, []).append(happens)
            else:
                life.put(Fault(kind, at, cast(Where, where)), happens)

    def _happen(self, kind: str, life: Life) -> None:
        if kind != "nothing":
            self.totals.faults[kind] += 1
        match kind:
            case "kill":
                life.kill()
            case "stop":
                life.signal(signal.SIGTERM)
            case "cut":
                self._administrator.cut()
            case "full":
                self.disk.full = True
            case "unheard":
                life.answer = _lost
            case "freeze" if life is self._life:  # neither over nor frozen already
                self._freeze(life)

    def _freeze(self, frozen: Life) -> None:
        """Makes a mirror at once; the server ends a session that froze in a transaction."""
        if frozen.committing:
            self._administrator.end(frozen.committing.info.backend_pid)
        order = self.history.rival()
        rival = Life(self.clock, Random(self._dice.random()), self.offices.handle, self._committed)
        self._life = rival
        outcomes = rival.live(lambda: asyncio.gather(carry_out(order)))
        self._life = frozen
        self.totals.runs += 1
        require(outcomes is not None, "a mirror beside a frozen run did not come to its end")
        self.history.check_rival(order, outcomes[0] if outcomes else None)


def _lost(session: Session) -> None:
    cut(session)
    raise psycopg.OperationalError("the connection is lost")
