"""A run: login, lock, a plan carried out, and the report of how it went."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from pyrus_etl.errors import BudgetSpent, CensusDoubted, PyrusEtlError, Stopped, StoppedEarly
from pyrus_etl.extract.http import Http
from pyrus_etl.extract.restapi import RestApi
from pyrus_etl.extract.source import Source
from pyrus_etl.load import catalogue, forms, upkeep, wide
from pyrus_etl.load.doubt import doubted
from pyrus_etl.load.lock import Lease
from pyrus_etl.load.runs import open_run, write_run
from pyrus_etl.load.store import Store
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.report import Counts, Progress, Report

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
    ones, `recovered`: those of them that loaded after all.
    `odd_in_a_row`: tasks that the server failed to give, one after the other; `refused_in_a_row`: tasks that PostgreSQL
    refused to store. `stopping`: set when the run is to end
    after the work in hand, with the reason in `stopped_by`. `spent`: set when no further request may be sent. `forms`:
    what was said by hand of the forms of projects.
    """

    account_id: int
    source: Source
    store: Store
    concurrency: int
    overlap: timedelta
    report: Report
    progress: Progress
    pending: dict[int, datetime | None] = field(default_factory=dict)
    relisted: dict[int, datetime] = field(default_factory=dict)
    doubted: dict[int, datetime | None] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    retried: set[int] = field(default_factory=set)
    recovered: set[int] = field(default_factory=set)
    odd_in_a_row: int = 0
    refused_in_a_row: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_by: StoppedEarly | None = None
    spent: BudgetSpent | None = None
    forms: Mapping[int, int | None] = field(default_factory=dict)

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

    What the plan committed stays committed. Only one run works on a database and account at a time.
    """
    http = Http(settings, budget.requests)
    try:
        async with Store(database_url) as store, http:
            source = RestApi(http)
            account = await source.profile()
            await store.hold(Lease(account.id, report.run_id))
            await store.run(open_run, report.run_id, account.id, report.kind, report.started_at)
            run = Run(account.id, source, store, settings.concurrency, settings.overlap, report, progress)
            run.forms = await store.autocommit(forms.overrides)
            run.doubted = await store.autocommit(doubted)
            await _recorded(plan, run, budget)
    except PyrusEtlError as error:
        report.counts = replace(report.counts, requests=http.requests, retries=http.retries)
        report.finish(error, partial=isinstance(error, PARTIAL))
        return error
    return None


async def _recorded(plan: Plan, run: Run, budget: Budget) -> None:
    """Carries out the plan and writes how it ended to sync_runs."""
    try:
        with _signals(run):
            await _carried_out(plan, run, budget)
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


async def _carried_out(plan: Plan, run: Run, budget: Budget) -> None:
    """The plan, and statistics of what it brought, also where it ended early."""
    try:
        with _clock(run, budget):
            await plan(run)
    except PyrusEtlError:
        await _analyze(run)
        raise
    await _analyze(run)


async def _analyze(run: Run) -> None:
    """Gathers statistics where much has changed, so that the first question to the reports is as quick as the next."""
    try:
        await run.store.autocommit(upkeep.tell_changes)
        for table in await run.store.autocommit(upkeep.outdated):
            if not isinstance(run.stopped_by, Stopped):  # by a signal; what is left the next run finds
                await run.store.autocommit(upkeep.analyze, table)
    except PyrusEtlError as error:  # what was done is done
        log.debug("statistics could not be gathered: %s", error)


async def _hint(run: Run) -> None:
    """Says so where forms have fields that their wide views do not show; where nobody made such views, nothing."""
    try:
        if await run.store.autocommit(wide.remembered) and (fields := await run.store.autocommit(catalogue.waiting)):
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
    await run.store.run(write_run, report.run_id, columns | asdict(report.counts))


@contextmanager
def _clock(run: Run, budget: Budget) -> Iterator[None]:
    """Ends the run after the work in hand when its time is spent."""
    if budget.seconds is None:
        yield
        return
    spent = BudgetSpent(f"The budget of {budget.seconds:g} seconds is spent; the next run goes on from here.")
    timer = asyncio.get_running_loop().call_later(budget.seconds, run.stop, spent)
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _signals(run: Run) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the run after the work in hand; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if (hangup := signal.getsignal(signal.SIGHUP)) != signal.SIG_IGN:  # ignored under nohup
        before[signal.SIGHUP] = hangup

    def restore() -> None:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def stop(number: int) -> None:
        log.info("stopping after the work in hand; a second signal stops at once")
        run.stop(Stopped(number))
        restore()

    for number in before:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        restore()
