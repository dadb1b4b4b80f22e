"""Runs in this process: they crash at any step, at a commit or just after it, and the same seed crashes them again."""

import asyncio
import signal
from collections.abc import Sequence
from random import Random

import psycopg

from pyrus_etl.postgres.connection import Session
from pyrus_etl.sandbox.limits.quota import Quota
from pyrus_etl.sandbox.server.server import Server
from tests.simulation.border import Border
from tests.simulation.conductor import A_MOMENT, QUOTA_SECONDS, SECONDS_AWAY, Conductor, Tell
from tests.simulation.history import RunStep
from tests.simulation.life import Life, cut
from tests.simulation.orders import Order, Outcome, carry_out
from tests.simulation.passing import Time
from tests.simulation.stage import Stage

FULL = """
    DO $$ BEGIN RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END $$
"""
SHARE_LOOKED_AT = 0.2
"""Share of the commits after which the tables are checked."""


class InOneProcess(Conductor):
    """Runs at the same time crash together. A run of the same account is only made beside a frozen one."""

    def __init__(self, stage: Stage, log: list[str], tell: Tell, clock: Time, seed: int) -> None:
        super().__init__(stage, log, tell)
        self._clock, self._dice = clock, Random(seed)
        self._border = Border(stage.sandbox, Server(stage.sandbox.backend).handle)
        if quota := stage.setting.quota:
            stage.sandbox.backend.quota = Quota(quota, QUOTA_SECONDS, clock.now)
        self._is_frozen = False

    def played(self, step: RunStep, orders: Sequence[Order]) -> list[Outcome]:
        stage = self.stage
        stage.watch.in_flight = 0
        self._border.astray = 0
        self._runner = self._born()
        self._last_holder = stage.administrator.holder()
        for fault in step.faults:
            self._runner.put(fault, self.happens(fault))
        outcomes = self._lived(self._runner, orders)
        self.counted.steps += self._runner.steps
        self.counted.crashes += any(outcome.error == "SIGKILL" for outcome in outcomes)
        return outcomes

    def settle(self) -> None:
        self.stage.administrator.settle()

    def time_passed(self, seconds: float) -> None:
        """Does nothing: our clock is that of the world."""

    def kill(self) -> None:
        self._runner.kill()

    def stop(self) -> None:
        self._runner.signal(signal.SIGTERM)

    def freeze(self) -> None:
        """Makes another run at once; the server ends a session that froze in a transaction."""
        if self._is_frozen:  # a request of the other run reached the place of a second freeze
            return
        holder, frozen = self.stage.administrator.holder(), self._runner
        if frozen.committing:
            self.stage.administrator.end(frozen.committing.info.backend_pid)
        self.stage.sandbox.world.advance(A_MOMENT)
        self._is_frozen = True
        (outcome,) = self._lived(self._born(), [self.rival()])
        self._is_frozen = False
        self.took_over(outcome, held=holder is not None and holder != self._last_holder)

    def away(self) -> None:
        administrator = self.stage.administrator
        administrator.allow(False)
        self.cut()
        self._clock.after(SECONDS_AWAY, lambda: administrator.allow(True))

    def cut(self) -> None:
        self.stage.administrator.cut()
        self.stage.administrator.settle()

    def unheard(self) -> None:
        self._runner.answer = _lost

    def full(self) -> None:
        self._runner.answer = _no_room

    def astray(self, requests: int) -> None:
        self._border.astray = requests

    def check(self) -> None:
        self._border.check()

    def _born(self) -> Life:
        return Life(self._clock, Random(self._dice.random()), self._border.handle, self._sample)

    def _lived(self, life: Life, orders: Sequence[Order]) -> list[Outcome]:
        async def together() -> list[Outcome]:
            return await asyncio.gather(*map(carry_out, orders))

        outcomes = life.live(together) or [Outcome(life.doomed) for _ in orders]
        outcomes[0].amiss += "".join(life.errors)
        return outcomes

    def _sample(self) -> None:
        if self._dice.random() < SHARE_LOOKED_AT:
            with self.careful():
                self.look()


def _lost(session: Session) -> None:
    cut(session)
    raise psycopg.OperationalError("the connection is lost")


def _no_room(session: Session) -> None:
    session.execute(FULL)
