"""A worker: takes jobs from the queue until it is asked to stop; beside that it plans, and rescues jobs of the dead."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from pyrus_etl.cluster import accounts, names
from pyrus_etl.cluster.accounts import Name
from pyrus_etl.cluster.database import in_cluster
from pyrus_etl.cluster.duty import Duty
from pyrus_etl.cluster.engine import HEARTBEAT, STALLED, Engine, defer_all
from pyrus_etl.cluster.kinds import HINTS, KINDS
from pyrus_etl.cluster.slices import Slices
from pyrus_etl.errors import DatabaseUnavailable, LockHeld, PyrusEtlError
from pyrus_etl.load.operation.alerts import Alert
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Retry, Secret, Settings
from pyrus_etl.sync.alerts.alerts import send_alert
from pyrus_etl.sync.alerts.events import FAILING
from pyrus_etl.sync.listing.hinted import happened
from pyrus_etl.sync.memory import give_back
from pyrus_etl.sync.result import new_run_id
from pyrus_etl.sync.stop import Stop

log = logging.getLogger(__name__)

RESCUE_EVERY, TIDY_EVERY = 3.0, 3600.0
AGAIN = Retry(1.0, 10.0)
"""The pauses while the queue is away."""


async def work(settings: Settings, url: Secret, duty: Duty, stop: Stop) -> None:
    """Works until `stop` is asked; then the runs under way commit, end as partial, and their jobs are put back.

    `url`: of the cluster's database. While that is away, the worker tries again, from its start on: a machine may be
    back before its database. Raises LockHeld if another worker has its name, and DatabaseUnavailable if the database
    has no tables, or those of another version, at the start.
    """
    worker = names.Worker(duty.name, uuid4(), duty.places)
    slices = Slices(url, settings, duty.name, stop, duty.budget)
    try:
        await _with_queues(url, slices, worker, duty)
    finally:
        await _leave(url, worker)


async def _with_queues(url: Secret, slices: Slices, worker: names.Worker, duty: Duty) -> None:
    """Works with the queue, and with the next one whenever it was lost."""
    failures, had_queue, stop = 0, False, slices.stop
    while not stop.reason:
        began = time.monotonic()
        try:
            await _take_name(url, worker, stop)
            async with Engine(url) as engine:
                had_queue = True
                await _WithQueue(engine, slices, worker, duty).work()
        except DatabaseUnavailable as error:
            if not (error.is_lost or had_queue):
                raise
            failures = 1 if time.monotonic() - began > AGAIN.longest_pause else failures + 1
            log.warning("%s The worker tries again.", error)
            await happened(stop.asked, within=AGAIN.limit(failures))


async def _take_name(url: Secret, worker: names.Worker, stop: Stop) -> None:
    """Takes the name of the worker, or takes it again; waits for one that died to be known as dead."""
    end = time.monotonic() + STALLED + HEARTBEAT
    while not (await in_cluster(url, names.take, worker) or stop.reason):
        if time.monotonic() > end:
            raise LockHeld(f"Another worker is named {worker.name}; give this one another --name.")
        await happened(stop.asked, within=0.5)


async def _leave(url: Secret, worker: names.Worker) -> None:
    try:
        await in_cluster(url, names.leave, worker)
    except PyrusEtlError as error:
        log.debug("the name of the worker is not given back: %s", error)


@dataclass(frozen=True)
class _WithQueue:
    """A worker while it has the queue."""

    engine: Engine
    slices: Slices
    worker: names.Worker
    duty: Duty

    async def work(self) -> None:
        beside = [
            asyncio.create_task(_again_and_again(work, every))
            for work, every in (
                (self._show_alive, HEARTBEAT),
                (self._rescue, RESCUE_EVERY),
                (self._plan, min(RESCUE_EVERY, self.duty.plan_every.total_seconds())),
                (self.engine.tidy, TIDY_EVERY),
            )
        ]
        log.info(
            "worker %s takes %s, %d accounts at once", self.duty.name, ", ".join(self.duty.kinds), self.duty.places
        )
        try:
            await self.engine.work(self._carry_out, self.duty.kinds, self.duty.places, self.slices.stop.asked)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)

    async def _carry_out(self, account: Name, kind: str) -> None:
        is_due_again = await self.slices.carry_out(account, kind)
        give_back()
        if is_due_again:
            try:
                await self.engine.defer(account, kind)
            except DatabaseUnavailable as error:  # it is due, so somebody plans it later
                log.debug("%s: %s", account, error)

    async def _show_alive(self) -> None:
        await in_cluster(self.slices.url, names.show_alive, self.worker)

    async def _plan(self) -> None:
        """Puts hints into the queue; and everything that is due, if no other worker did so a moment ago."""
        is_turn = await in_cluster(self.slices.url, accounts.is_planners_turn, REVISION, self.duty.plan_every)
        kinds = KINDS if is_turn else (HINTS,)
        await defer_all(self.engine, await in_cluster(self.slices.url, accounts.due, REVISION, kinds))

    async def _rescue(self) -> None:
        """Makes the accounts of dead workers due, and pauses those that die again and again."""
        for account in await self.engine.rescue():
            log.warning("%s: its worker died, or lost the queue", account)
            if because := await in_cluster(self.slices.url, accounts.died, account):
                await self._tell(account, because)
            else:
                await self._defer(account)

    async def _defer(self, account: Name) -> None:
        """Puts what is due of an account into the queue."""
        jobs = await in_cluster(self.slices.url, accounts.due, REVISION)
        await defer_all(self.engine, [job for job in jobs if job.account == account])

    async def _tell(self, account: Name, because: str) -> None:
        """Sends an alert about an account that is paused."""
        log.error("%s is paused: %s", account, because)
        error = f"{account} is paused: {because}"
        alert = Alert(new_run_id(), FAILING, datetime.now(UTC), None, account.login, new_run_id(), "worker", error)
        await send_alert(replace(self.slices.base, database_url=None), alert)


async def _again_and_again(work: Callable[[], Awaitable[object]], every: float) -> None:
    """Does the work now and then. A fault does not end it: the engine notices if the queue is lost."""
    while True:
        try:
            await work()
        except PyrusEtlError as error:
            log.debug("%s", error)
        except Exception as error:
            log.warning("%s: %s", type(error).__name__, error)
        await asyncio.sleep(every)
