"""A run: log in, take the lock, carry out the plan, and record the result."""

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
from pyrus_etl.sync.result import Counts, Progress, Result
from pyrus_etl.sync.stop import stopped_after, stopped_by_signals

log = logging.getLogger(__name__)
T = TypeVar("T")

PARTIAL = (StoppedEarly, CensusDoubted)
"""Errors that end a run before its plan is done, although nothing is wrong."""


@dataclass
class Run:
    """The connections, limits and state of a run, for its plan.

    `pace`: limits the requests. `login`: None with an access token. `account_id`: known after the login.
    `pending`: task id → listed date of the tasks in flight. `relisted`: those that were listed again in the meantime,
    with the new date. `doubted`: task id → last listed date of the tasks that earlier runs doubted and this run has not
    fetched yet. `failed`: tasks rejected in this run. `retried`: task id → listed date of the tasks rejected in earlier
    runs. `recovered`: those of them that this run loaded. `server_faults`: how many tasks in a row the server failed
    to serve. `refused_in_a_row`: how many tasks in a row PostgreSQL refused. `stopping`: set to end the run after the
    tasks in flight, with the reason in `stopped_by`. `spent`: set when no further request may be sent.
    `form_overrides`: project id → form id, set manually. `has_outdated_rows`: another version made some rows.
    """

    source: Source
    store: Store
    concurrency: int
    overlap: timedelta
    result: Result
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
    server_faults: int = 0
    refused_in_a_row: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_by: StoppedEarly | None = None
    spent: BudgetSpent | None = None
    form_overrides: Mapping[int, int | None] = field(default_factory=dict)
    has_outdated_rows: bool = False

    @property
    def start(self) -> tuple[datetime, float]:
        """When the run started by the server's clock, and how many seconds that clock is ahead of ours."""
        return self.source.start.server, self.source.start.ahead.total_seconds()

    def counts(self, **more: int) -> Counts:
        """Returns the counts plus `more`, with the requests up to now."""
        counts = self.result.counts
        grown = {name: getattr(counts, name) + number for name, number in more.items()}
        return replace(counts, **grown, requests=self.source.requests, retries=self.source.retries)

    def count(self, **more: int) -> None:
        """Adds to the counts of the result."""
        self.result.counts = self.counts(**more)

    def stop(self, reason: StoppedEarly) -> None:
        self.stopped_by = reason
        self.stopping.set()

    async def unless_stopped(self, request: Coroutine[Any, Any, T]) -> T:
        """Waits for an answer; if the run is asked to stop first, cancels the request and raises the reason."""
        answer, stopping = asyncio.create_task(request), asyncio.create_task(self.stopping.wait())
        await asyncio.wait({answer, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not answer.done():
            answer.cancel()
            self.check_stopped()
        return await answer

    def check_stopped(self) -> None:
        """Raises the reason if the run was asked to stop, by a signal or its time limit."""
        if self.stopped_by:
            raise self.stopped_by


Plan = Callable[[Run], Awaitable[None]]


class Budget(NamedTuple):
    """How many requests and seconds a run may spend before it stops; None means no limit."""

    requests: int | None = None
    seconds: float | None = None


NO_LIMIT = Budget()


async def conduct(
    plan: Plan,
    settings: Settings,
    database_url: Secret,
    result: Result,
    progress: Progress,
    budget: Budget = NO_LIMIT,
) -> PyrusEtlError | None:
    """Carries out a plan as one run; fills in `result` in any case, and returns the error that ended the run early.

    What the plan committed stays committed. Only one run is active per database and account. A run gets its row in
    sync_runs as soon as it reaches the database, even if it never logs in. Only a run that gives way to another one
    leaves no row, because it did nothing.
    """
    http = Client(
        settings, login, budget.requests, lambda wait: log_wait(wait, f"{result.kind}: {progress.announced(wait)}")
    )
    progress.pace = http.pace
    try:
        async with Store(database_url, settings.waits) as store, http:
            login_name = _login_of(settings)
            run = Run(
                RestApi(http), store, settings.concurrency, settings.overlap, result, progress, http.pace, login_name
            )
            await store.transaction(open_run, result.run_id, login_name, result.kind, result.started_at)
            await _recorded(plan, run, budget)
    except PyrusEtlError as error:
        result.counts = replace(result.counts, requests=http.requests, retries=http.retries)
        result.finish(error, partial=isinstance(error, PARTIAL))
        return error
    return None


async def _recorded(plan: Plan, run: Run, budget: Budget) -> None:
    """Logs in, carries out the plan, and writes to sync_runs how it ended."""
    try:
        async with requests_written(run.store, run.result.run_id, run.pace.journal):
            with stopped_by_signals(run.stop), stopped_after(budget.seconds, run.stop):
                await _log_in(run)
                await _carried_out(plan, run)
    except Exception as error:
        run.result.finish(error, partial=isinstance(error, PARTIAL))
        try:
            await _write_end(run)
        except PyrusEtlError as unwritten:
            log.warning("could not write how the run ended: %s", unwritten)
        raise
    run.result.finish()
    await _write_end(run)
    await _hint(run)
    run.check_stopped()  # a signal that comes too late to stop the plan still ends the program


async def _log_in(run: Run) -> None:
    """Finds out which account this is, takes its lock, and reads the state that the plan needs."""
    async with _heartbeat(run):
        try:
            await run.unless_stopped(take_up_quota(run.store, run.result.run_id, run.login, run.pace))
            account = await run.unless_stopped(run.source.profile())
            await run.unless_stopped(run.store.hold(Lease(account.id, run.result.run_id)))
        except LockHeld:
            await run.store.transaction(forget_run, run.result.run_id)
            raise
    run.account_id = account.id
    await run.store.transaction(join_account, run.result.run_id, account.id, *run.start)
    run.form_overrides = await run.store.query(forms.overrides)
    run.doubted = await run.store.query(doubted)
    run.has_outdated_rows = await run.store.query(rebuild.outdated) > 0


def _login_of(settings: Settings) -> str | None:
    """Returns the login, which identifies a run until its account is known; None with an access token."""
    return None if settings.access_token else shown_login(settings) or None


@asynccontextmanager
async def _heartbeat(run: Run) -> AsyncIterator[None]:
    """Updates the row of the run until it has a lease, so that no other run takes it for dead."""

    async def show() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await run.store.transaction(show_alive, run.result.run_id)
            except PyrusEtlError as error:
                log.debug("could not write the heartbeat of the run: %s", error)

    showing = asyncio.create_task(show())
    try:
        yield
    finally:
        showing.cancel()


async def _carried_out(plan: Plan, run: Run) -> None:
    """Carries out the plan, then analyzes the tables that it changed, even if it ended early."""
    try:
        await plan(run)
    except PyrusEtlError:
        await _analyze(run)
        raise
    await _analyze(run)


async def _analyze(run: Run) -> None:
    """Analyzes tables that changed a lot, so that the first query of the reports is as fast as the next."""
    try:
        await run.store.query(upkeep.tell_changes)
        for table in await run.store.query(upkeep.outdated):
            if not isinstance(run.stopped_by, Stopped):  # stopped by a signal: the next run analyzes the rest
                await run.store.query(upkeep.analyze, table)
    except PyrusEtlError as error:  # the rows are committed already
        log.debug("could not analyze the tables: %s", error)


async def _hint(run: Run) -> None:
    """Logs how many form fields the wide views lack; logs nothing if there are no wide views."""
    try:
        if await run.store.query(wide.remembered) and (fields := await run.store.query(catalogue.waiting)):
            log.info("form fields without a column (run pyrus-etl reports refresh): %s", fields)
    except PyrusEtlError as error:  # the rows are committed already
        log.debug("could not count the form fields without a column: %s", error)


async def _write_end(run: Run) -> None:
    run.count()
    result = run.result
    if unreadable := result.counts.values_unreadable:
        log.warning(
            "%d values or characters are unreadable: null or U+FFFD in the tables; pyrus.raw_tasks has the bodies",
            unreadable,
        )
    columns = {"status": result.status, "finished_at": result.finished_at, "error": result.error}
    await run.store.transaction(_write_last, result, columns, run.pace.journal.unwritten())


def _write_last(connection: Connection, result: Result, columns: Mapping[str, object], sent: Mapping[int, int]) -> None:
    write_run(connection, result.run_id, dict(columns) | asdict(result.counts))
    write_requests(connection, result.run_id, sent)
