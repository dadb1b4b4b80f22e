"""Histories of a cluster: two organisations, each with two or three accounts, and up to three workers.

Workers are killed, frozen and asked to end, and cut from one database and not from another; databases go away, and the
queue is lost. When that is over, every account has to be served in time, and the tables have to equal the worlds.
"""

import signal
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from aiohttp import web

from pyrus_etl.cluster import registry
from pyrus_etl.cluster.accounts import note_hints
from pyrus_etl.cluster.duty import Duty
from pyrus_etl.cluster.worker import work
from pyrus_etl.load.progress.hints import note_hints as store_hints
from pyrus_etl.settings import Secret, load_settings
from pyrus_etl.sync.run import Budget
from pyrus_etl.sync.stop import Stop, stopped_by_signals
from tests.simulation.administrator import Administrator
from tests.simulation.computer import Computer
from tests.simulation.invariants import require
from tests.simulation.process import Process
from tests.simulation.several import AHEAD, Harm
from tests.simulation.totals import Totals
from tests.simulation.two_accounts import EVENTS, LOGINS
from tests.simulation.workers_history import WorkersHistory, name_of

EVENTS_IN_A_CLUSTER = (*EVENTS, "hint", "hint", "hint")
WORKERS = 3
GRACE = 45.0
"""Seconds after its `next_at` by which a slice of an account has ended, if nothing else is wrong: 8 until a dead worker
is known as dead, 3 until somebody looks, 5 until somebody plans, 10 for pauses of a worker that lost its queue."""
PLACES = (1, 2, 25)
AWAY = (2.0, 10.0, 40.0)
ACCOUNTS = """
    SELECT org, login, next_at, last_exit, last_ended_at, deaths, paused_because, claim IS NOT NULL, every
    FROM pyrus_cluster.accounts
"""
LOSE_QUEUE = "DROP TABLE procrastinate_jobs, procrastinate_workers CASCADE"


class Organisation(WorkersHistory):
    """An organisation of the cluster: what happens in it, and what must hold at its end."""

    def happen(self, cluster: Administrator) -> None:
        event = self.dice.choice(EVENTS_IN_A_CLUSTER)
        if event != "hint":
            self._happen(event)
            return
        task_id, login = self.dice.choice(self._ids()), LOGINS[self.dice.choice(self.accounts)]
        self.lines.append(f"hint {task_id} {login}")
        self.tolls.excuse([task_id])
        for administrator, note in ((self.tolls.administrator, store_hints), (cluster, note_hints)):
            ids = [[task_id]] if note is store_hints else []
            administrator.database.do(lambda connection: note(connection, login, *ids))  # noqa: B023 -- called at once

    def end(self) -> None:
        self._end()


class ClusterHistory:
    """A cluster's history that is being played. `lines`: what happened."""

    def __init__(
        self, seed: int, computer: Computer, url: Secret, cluster: Administrator, orgs: dict[str, Organisation]
    ) -> None:
        self.dice = Random(f"cluster {seed}")
        self.lines: list[str] = []
        self.workers: list[Process] = []
        self.started = 0
        databases = [name_of(url), *(name_of(org.database) for org in orgs.values())]
        self.harm = Harm(self.dice, databases, self.lines.append, share=0.8, steps=(100, 1000, 5000))
        self._computer, self._url, self._cluster, self._orgs = computer, url, cluster, orgs
        self._settings = load_settings({}, {"PYRUS_ETL_CLUSTER_URL": url.reveal()})
        self._budget = Budget(seconds=self.dice.choice((2.0, 10.0, 300.0)))
        computer.on_start = self._harmed
        for org in orgs.values():
            org.lines, org.workers = self.lines, 1

    def _harmed(self, process: Process) -> None:
        process.ahead = self.dice.choice(AHEAD)
        self.harm.put(process)

    def play(self, length: int) -> None:
        for _ in range(length):
            self._hire()
            for org in self._orgs.values():
                for _ in range(self.dice.choice((0, 1, 3))):
                    org.happen(self._cluster)
            if self.dice.random() < 0.4:
                self._trouble()
            self._pass(self.dice.choice((3.0, 8.0, 20.0)))
        self._recover()
        self._retire()
        for org in self._orgs.values():
            org.end()

    def _hire(self) -> None:
        """Starts workers in place of those that have ended."""
        self.workers = [each for each in self.workers if each.exit_code is None]
        while len(self.workers) < WORKERS:
            self.started += 1
            duty = Duty(f"worker {self.started}", self.dice.choice(PLACES), budget=self._budget)
            self.workers.append(self._computer.start(duty.name, partial(self._worked, duty), self._handle))

    async def _worked(self, duty: Duty) -> None:
        stop = Stop()
        with stopped_by_signals(stop):
            await work(self._settings, self._url, duty, stop)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        port = int(request.host.rpartition(":")[2])
        return await next(org for org in self._orgs.values() if org.sandbox.port == port).tolls.handle(request)

    def _trouble(self) -> None:
        """A database goes away for a while, or the queue is lost."""
        kind = self.dice.choice(("away", "away", "queue"))
        seconds, clock = self.dice.choice(AWAY), self._computer.clock
        administrator = self.dice.choice(list(self._computer.administrators.values()))
        self.lines.append(f"{clock.now() - 1e6:.1f} {kind} {seconds}")
        self.harm.counted[kind] += 1
        if kind == "queue":
            self._cluster.database.execute(LOSE_QUEUE)
            return
        for process in self._computer.processes:
            process.harm()
        administrator.allow(False)
        administrator.cut()
        administrator.settle()
        clock.after(seconds, lambda: administrator.allow(True))

    def _pass(self, seconds: float) -> None:
        end = self._computer.clock.now() + seconds
        self._computer.clock.after(seconds, lambda: None)
        self._computer.play(lambda: self._computer.clock.now() >= end)
        for org in self._orgs.values():
            org.tolls.check()

    def _recover(self) -> None:
        """When the faults are over, every account is served by its time, and a moment later once more."""
        self.harm.is_over = True
        self._pass(max([0.0, *(each.frozen_until for each in self._computer.processes)]) - self._computer.clock.now())
        for administrator in self._computer.administrators.values():
            administrator.allow(True)
        for process in self._computer.processes:
            process.barred.clear()
        self._hire()
        for _ in range(2):
            self._served(self._now())

    def _served(self, since: datetime) -> None:
        """Every account is served by its `next_at`; a person resumes those that died too often."""
        self._resume()
        ends = {row[:2]: self._end_of(row, since) for row in self._accounts()}
        while late := [row[:2] for row in self._accounts() if row[3] not in (0, 6) or (row[4] or since) <= since]:
            now = self._now()
            over = [account for account in late if now > ends[account] + timedelta(seconds=GRACE)]
            require(not over, f"not served in time: {over}; {self._accounts()}")
            self._pass(3.0)
            self._resume()

    def _end_of(self, row: Sequence[Any], since: datetime) -> datetime:
        """When an account has to be due again: a claim may be that of a dead worker, which is known within seconds.

        If the queue was lost with its jobs, nobody knows until the account is due by itself.
        """
        next_at: datetime = max(row[2], since)
        is_claimed, every = row[7], row[8]
        return next_at if self.harm.counted["queue"] or not is_claimed else since + every

    def _resume(self) -> None:
        """As a person does: accounts that died too often are paused."""
        for org, _, _, _, _, deaths, because, *_ in self._accounts():
            if because:
                require(deaths >= 5, f"{org} is paused: {because}")
                self._cluster.database.do(lambda connection: registry.resume(connection, org))  # noqa: B023

    def totals(self) -> Totals:
        """What was played."""
        computer, counted = self._computer, Totals(histories=1, of_clusters=1)
        counted.requests = sum(org.tolls.requests for org in self._orgs.values())
        counted.processes, counted.steps = computer.started, computer.counted["steps"]
        counted.crashes, counted.faults = computer.counted["crashes"], self.harm.counted
        return counted

    def _retire(self) -> None:
        """SIGTERM ends all workers."""
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        self._pass(30.0)
        require(not self._computer.processes, f"still at work after SIGTERM: {self._computer.names()}")

    def _accounts(self) -> list[Any]:
        return self._cluster.database.execute(ACCOUNTS)

    def _now(self) -> datetime:
        self._computer.clock.show()
        ((now,),) = self._cluster.database.execute("SELECT clock_timestamp()")
        assert isinstance(now, datetime)
        return now
