"""Histories of runs with `--workers N` of two or three accounts that share a database."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.errors import DatabaseUnavailable, LockHeld, Stopped
from pyrus_etl.sandbox import Sandbox
from pyrus_etl.settings import Secret
from pyrus_etl.sync.flow import LIMITS
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import run
from pyrus_etl.sync.sharing import workers
from pyrus_etl.sync.tasks import pipeline
from tests.conftest import settings_for
from tests.impatient import IMPATIENT
from tests.simulation import two_accounts
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.bodies import WATCHED
from tests.simulation.computer import Computer
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.machine import Machine
from tests.simulation.orders import errors_logged
from tests.simulation.process import Process
from tests.simulation.several import AHEAD, Harm
from tests.simulation.tolls import Tolls
from tests.simulation.totals import Totals
from tests.simulation.two_accounts import LOGINS, History, Results

EXCUSED = ("hide", "show", "delete", "restore", "unlist", "relist", "silence", "hint")
"""After these events a task may be fetched although it is stored as it is: another account has to read it."""
STORED = "SELECT task_id FROM pyrus.raw_tasks"
SET_ASIDE = "SELECT task_id FROM pyrus.sync_errors WHERE resolved_at IS NULL"
QUOTAS = ((30, 1.0), (200, 1.0), (100_000, 1.0))


class WorkersHistory(History):
    """Each run is a process, and so are its workers. Each may be harmed while a run may crash."""

    def __init__(
        self, seed: int, sandbox: Sandbox, database: Secret, computer: Computer, tolls: Tolls, quota: tuple[int, float]
    ) -> None:
        super().__init__(seed, sandbox, database, lambda *_: None)
        self._computer, self.tolls, self.quota = computer, tolls, quota
        self.harm = Harm(self.dice, [name_of(database)], self.lines.append)
        self.harm.on_overtaken = lambda process: self._start((process.parent or process).name)
        self.workers = self.dice.choice((1, 2, 3))
        self.runs = 0
        self._under_way: dict[str, tuple[int, Plan]] = {}

    def started(self, process: Process) -> None:
        process.ahead = self.dice.choice(AHEAD)
        self.harm.put(process)

    def _happen(self, event: str) -> None:
        before = {*self._ids()}
        super()._happen(event)
        if event in EXCUSED:
            self.tolls.excuse(before | {*self._ids()} if event == "silence" else [int(self.lines[-1].split()[1])])

    def _check_ending(self, result: Result) -> None:
        permitted = (LockHeld, DatabaseUnavailable, Stopped)
        assert result.error is None or isinstance(result.error, permitted), f"{result.kind}: {result.error!r}"

    def _run(self, plans: list[tuple[int, Plan]], *, may_crash: bool = False) -> Results:
        self.lines.append(self._line(plans))
        self.harm.is_over = not may_crash
        if may_crash and self.dice.random() < 0.4:
            plans = [*plans, plans[0]]  # cron starts another run of an account
        self.runs += len(plans)
        self._under_way = {f"run {n}": each for n, each in enumerate(plans)}
        runs = [self._start(name) for name in self._under_way]
        self._computer.play(lambda: not self._computer.processes)
        self.tolls.check()
        self.lines += [
            f"  run {n}: {each.exit_code} {each.result and each.result.error!r}" for n, each in enumerate(runs)
        ]
        for (account, plan), each in zip(plans, runs, strict=True):
            if each.result is not None and each.result.error is None and plan.kind in ("sync", "backfill"):
                self._check_complete(account)
        return [each.result for each in runs if each.result is not None]

    def _start(self, run: str) -> Process:
        """Starts a run, or another one like it."""
        return self._computer.start(run, self._work(*self._under_way[run]), self.tolls.handle)

    def _check_complete(self, account: int) -> None:
        """A run that ended well has stored each task that its account was shown, whatever became of its workers."""
        known = {task_id for query in (STORED, SET_ASIDE) for (task_id,) in self._ask(query)}
        missing = {*self.world.task_ids(account)} - known - self.tolls.excused
        assert not missing, f"a run of {account} ended well, and left out {missing}"

    def _work(self, account: int, plan: Plan) -> Any:
        settings = settings_for(
            self.sandbox,
            self.database,
            PYRUS_LOGIN=LOGINS[account],
            PYRUS_ETL_QUOTA=f"{self.quota[0]}/{self.quota[1]:g}s",
        )
        limits = LIMITS._replace(workers=self.workers)
        settings = replace(settings, waits=IMPATIENT, has_several=True)  # or the first run does not know of the others
        return partial(run, plan, settings, limits=limits, handles_signals=True)


def play_workers(seed: int, machine: Machine, length: int = 5) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    sandbox, dice = two_accounts.sandbox_of(seed), Random(f"workers {seed}")
    quota = dice.choice(QUOTAS)
    totals = Totals(histories=1, of_workers=1)
    with ExitStack() as opened:
        database = opened.enter_context(machine.database(CLOCK + WATCHED))
        administrator = opened.enter_context(closing(Administrator(database)))
        computer = Computer(seed, [sandbox.world], {"": administrator})
        tolls = Tolls(sandbox, quota, computer.clock.now, lambda: computer.at_work, administrator)
        opened.enter_context(nothing_left_behind())
        opened.enter_context(computer.on(seed))
        errors = opened.enter_context(errors_logged())
        opened.enter_context(_small_parts(dice.choice((2, 5, 20))))
        history = WorkersHistory(seed, sandbox, database, computer, tolls, quota)
        computer.on_start = history.started
        two_accounts.played(history, length)
        assert not errors, f"errors were logged: {errors}"
    totals.runs, totals.requests, totals.faults = history.runs, tolls.requests, history.harm.counted
    totals.processes = computer.started
    totals.steps, totals.crashes = computer.counted["steps"], computer.counted["crashes"]
    return totals


def name_of(database: Secret) -> str:
    return str(conninfo_to_dict(database.reveal())["dbname"])


@contextmanager
def _small_parts(tasks: int) -> Iterator[None]:
    """The tasks of a history make several parts."""
    with patch.object(pipeline, "AT_ONCE", tasks), patch.object(workers, "AT_ONCE", tasks):
        yield
