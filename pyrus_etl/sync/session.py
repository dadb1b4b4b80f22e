"""A run: login, lock, a plan carried out, and the report of how it went."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from pyrus_etl.client.client import Client
from pyrus_etl.client.pace import Pace
from pyrus_etl.client.waits import log_wait
from pyrus_etl.errors import BudgetSpent, CensusDoubted, LockHeld, PyrusEtlError, Stopped, StoppedEarly
from pyrus_etl.extract.source import Source
from pyrus_etl.extract.v3.api import RestApi
from pyrus_etl.extract.v3.login import login, shown_login
from pyrus_etl.load import rebuild
from pyrus_etl.load.doubt import doubted
from pyrus_etl.load.requests import write_requests
from pyrus_etl.load.runs import forget_run, join_account, open_run, show_alive, write_run
from pyrus_etl.postgres import upkeep
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.lease import RENEW_SECONDS, Lease
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports import catalogue, forms, wide
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.quota import requests_written, take_up_quota
from pyrus_etl.sync.result import Counts, Progress, Report
from pyrus_etl.sync.stop import stopped_after, stopped_by_signals

log = logging.getLogger(__name__)
T = TypeVar("T")

PARTIAL = (StoppedEarly, CensusDoubted)
"""Errors that leave a run undone, but nothing wrong."""


@dataclass
class Run:
    """What a plan works with.

    `pending`: tasks on their way to a commit, with the date that each was listed under. `relisted`: those of them that
    were listed under another date meanwhile. `doubted`: tasks that earlier runs doubted and this one has not asked for
    yet, with the date that each was last listed under. `failed`: tasks set aside in this run, `retried`: in earlier
    ones, with the date that each was listed under then; `recovered`: those of them that loaded after all.
    `odd_in_a_row`: tasks that the server failed to give, one after the other; `refused_in_a_row`: tasks that PostgreSQL
    refused to store. `stopping`: set when the run is to end
    after the work in hand, with the reason in `stopped_by`. `spent`: set when no further request may be sent. `forms`:
    what was said by hand of the forms of projects. `has_outdated_rows`: another
    version made the rows of some tasks. `login` is None with an access token, `account_id` is known after
    the login. `pace` is that of the requests.
    """

    source: Source
    store: Store
    concurrency: int
    overlap: timedelta
    report: Report
    progress: Progress
    pace: Pace
    login: str | None
    account_id: int = 0
    pending: dict[int, datetime | None] = field(default_factory=dict)
    relisted: dict[int, datetime] = field(default_factory=dict)
    doubted: dict[int, datetime | None] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    retried: dict[int, datetime | None] = field(default_factory=dict)
    recovered: set[int] = field(default_factory=set)
    odd_in_a_row: int = 0
    refused_in_a_row: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_by: StoppedEarly | None = None
    spent: BudgetSpent | None = None
    forms: Mapping[int, int | None] = field(default_factory=dict)
    has_outdated_rows: bool = False

    @property
    def start(self) -> tuple[datetime, float]:
        """When the run started by the server's clock, and by how many seconds that was ahead of ours."""
        return self.source.start.server, self.source.start.ahead.total_seconds()

    def counts(self, **more: int) -> Counts:
        """The counts as they will be with so many more, and with the requests up to now."""
        counts = self.report.counts
        grown = {name: getattr(counts, name) + number for name, number in more.items()}
        return replace(counts, **grown, requests=self.source.requests, retries=self.source.retries)

    def count(self, **more: int) -> None:
        """Adds to the counts of the report."""
        self.report.counts = self.counts(**more)

    def stop(self, reason: StoppedEarly) -> None:
        self.stopped_by = reason
        self.stopping.set()

    async def unless_stopped(self, asked: Coroutine[Any, Any, T]) -> T:
        """Waits for an answer, but not longer than until the run is to stop."""
        answer, stopping = asyncio.create_task(asked), asyncio.create_task(self.stopping.wait())
        await asyncio.wait({answer, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not answer.done():
            answer.cancel()
            self.check_stopped()
        return await answer

    def check_stopped(self) -> None:
        """Raises what asked the run to end, a signal or its time, where something did."""
        if self.stopped_by:
            raise self.stopped_by


Plan = Callable[[Run], Awaitable[None]]


class Budget(NamedTuple):
    """What a run may spend before it stops by itself; None is no limit."""

    requests: int | None = None
    seconds: float | None = None


NO_LIMIT = Budget()


async def conduct(
    plan: Plan,
    settings: Settings,
    database_url: Secret,
    report: Report,
    progress: Progress,
    budget: Budget = NO_LIMIT,
) -> PyrusEtlError | None:
    """Carries out a plan as one run, which the report tells of, whatever happens; returns what ended it early.

    What the plan committed stays committed. Only one run works on a database and account at a time. Every run has its
    row in sync_runs as soon as the database is reached, also if it never logs in; a run that leaves because another one
    works did nothing, and has none.
    """
    http = Client(
        settings, login, budget.requests, lambda wait: log_wait(wait, f"{report.kind}: {progress.announced(wait)}")
    )
    progress.pace = http.pace
    try:
        async with Store(database_url) as store, http:
            login_name = _login_of(settings)
            run = Run(
                RestApi(http), store, settings.concurrency, settings.overlap, report, progress, http.pace, login_name
            )
            await store.transaction(open_run, report.run_id, login_name, report.kind, report.started_at)
            await _recorded(plan, run, budget)
    except PyrusEtlError as error:
        report.counts = replace(report.counts, requests=http.requests, retries=http.retries)
        report.finish(error, partial=isinstance(error, PARTIAL))
        return error
    return None


async def _recorded(plan: Plan, run: Run, budget: Budget) -> None:
    """Logs in, carries out the plan, and writes how it ended to sync_runs."""
    try:
        async with requests_written(run.store, run.report.run_id, run.pace.journal):
            with stopped_by_signals(run.stop), stopped_after(budget.seconds, run.stop):
                await _log_in(run)
                await _carried_out(plan, run)
    except Exception as error:
        run.report.finish(error, partial=isinstance(error, PARTIAL))
        try:
            await _write_end(run)
        except PyrusEtlError as unwritten:
            log.warning("how the run ended could not be written: %s", unwritten)
        raise
    run.report.finish()
    await _write_end(run)
    await _hint(run)
    run.check_stopped()  # a signal that came too late to stop the plan still ends the program


async def _log_in(run: Run) -> None:
    """Finds out who we are, takes the lock of that account, and reads what the plan has to know."""
    async with _shown_alive(run):
        try:
            await run.unless_stopped(take_up_quota(run.store, run.report.run_id, run.login, run.pace))
            account = await run.unless_stopped(run.source.profile())
            await run.unless_stopped(run.store.hold(Lease(account.id, run.report.run_id)))
        except LockHeld:
            await run.store.transaction(forget_run, run.report.run_id)
            raise
    run.account_id = account.id
    await run.store.transaction(join_account, run.report.run_id, account.id, *run.start)
    run.forms = await run.store.query(forms.overrides)
    run.doubted = await run.store.query(doubted)
    run.has_outdated_rows = await run.store.query(rebuild.outdated) > 0


def _login_of(settings: Settings) -> str | None:
    """The login that a run is known by before its account is; none with an access token."""
    return None if settings.access_token else shown_login(settings) or None


@asynccontextmanager
async def _shown_alive(run: Run) -> AsyncIterator[None]:
    """Until the run has a lease, its row shows that it lives, so that no other run takes it for dead."""

    async def show() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await run.store.transaction(show_alive, run.report.run_id)
            except PyrusEtlError as error:
                log.debug("that the run lives could not be written: %s", error)

    showing = asyncio.create_task(show())
    try:
        yield
    finally:
        showing.cancel()


async def _carried_out(plan: Plan, run: Run) -> None:
    """The plan, and statistics of what it brought, also where it ended early."""
    try:
        await plan(run)
    except PyrusEtlError:
        await _analyze(run)
        raise
    await _analyze(run)


async def _analyze(run: Run) -> None:
    """Gathers statistics where much has changed, so that the first question to the reports is as quick as the next."""
    try:
        await run.store.query(upkeep.tell_changes)
        for table in await run.store.query(upkeep.outdated):
            if not isinstance(run.stopped_by, Stopped):  # by a signal; what is left the next run finds
                await run.store.query(upkeep.analyze, table)
    except PyrusEtlError as error:  # what was done is done
        log.debug("statistics could not be gathered: %s", error)


async def _hint(run: Run) -> None:
    """Says so where forms have fields that their wide views do not show; where nobody made such views, nothing."""
    try:
        if await run.store.query(wide.remembered) and (fields := await run.store.query(catalogue.waiting)):
            log.info("fields of forms that wait for pyrus-etl reports refresh: %s", fields)
    except PyrusEtlError as error:  # what was done is done
        log.debug("which fields wait could not be asked: %s", error)


async def _write_end(run: Run) -> None:
    run.count()
    report = run.report
    if unreadable := report.counts.values_unreadable:
        log.warning(
            "%d values or characters could not be read: null or U+FFFD in the tables; pyrus.raw_tasks has the bodies",
            unreadable,
        )
    columns = {"status": report.status, "finished_at": report.finished_at, "error": report.error}
    await run.store.transaction(_write_last, report, columns, run.pace.journal.unwritten())


def _write_last(connection: Connection, report: Report, columns: Mapping[str, object], sent: Mapping[int, int]) -> None:
    write_run(connection, report.run_id, dict(columns) | asdict(report.counts))
    write_requests(connection, report.run_id, sent)
