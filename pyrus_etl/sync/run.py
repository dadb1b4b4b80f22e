"""A run: opens what it needs, logs in, carries out its plan, and records how it ended."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from pyrus_etl.client.waits import Wait, log_wait
from pyrus_etl.errors import PyrusEtlError, SettingsError, Stopped
from pyrus_etl.extract.v3.api import RestApi, client_for
from pyrus_etl.extract.v3.login import shown_login
from pyrus_etl.load.requests import write_requests
from pyrus_etl.load.runs import open_run, write_run
from pyrus_etl.postgres import upkeep
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports import catalogue, wide
from pyrus_etl.schema.counts import Counts
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.quota import requests_written
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.session import Run, log_in
from pyrus_etl.sync.stop import Stop, stopped_after, stopped_by_signals

log = logging.getLogger(__name__)

Watch = Callable[[Progress], AbstractContextManager[object]]
"""Gets the progress of a run, and is entered while the run works."""


class Budget(NamedTuple):
    """How many requests and seconds a run may spend before it stops; None means no limit."""

    requests: int | None = None
    seconds: float | None = None


NO_LIMIT = Budget()


async def run(
    plan: Plan,
    settings: Settings,
    *,
    budget: Budget = NO_LIMIT,
    handles_signals: bool = False,
    watch: Watch = nullcontext,
) -> Result:
    """Carries out a plan as one run on the database of the settings.

    Returns its result; `error` is the error that ended the run early. Only bugs are raised. What the plan committed
    stays committed. Only one run is active per database and account. A run gets its row in sync_runs as soon as it
    reaches the database, even if it never logs in. Only a run that gives way to another one leaves no row, because it
    did nothing.

    With `handles_signals`, which only the main thread may ask for, a signal ends the run after the tasks in flight.
    """
    begun, progress = Result(plan.kind), Progress()
    http = client_for(settings, budget.requests, partial(_announce, plan.kind, progress))
    progress.pace = http.pace
    try:
        with watch(progress):
            async with Store(_database_of(settings), settings.waits) as store, http:
                source, login_name = RestApi(http), _login_of(settings)
                stop = Stop()
                parts = Run(
                    begun.run_id,
                    source,
                    store,
                    http.concurrency,
                    settings.overlap,
                    progress,
                    stop,
                    http.pace,
                    login_name,
                )
                await store.transaction(open_run, begun.run_id, login_name, begun.kind, begun.started_at)
                signals = stopped_by_signals(stop) if handles_signals else nullcontext()
                return await _recorded(plan, parts, begun, signals, budget)
    except PyrusEtlError as error:
        return begun.ended(error, Counts(requests=http.requests, retries=http.retries))


def _announce(kind: str, progress: Progress, wait: Wait) -> None:
    log_wait(wait, f"{kind}: {progress.announced(wait)}")


def _database_of(settings: Settings) -> Secret:
    if settings.database_url is None:
        raise SettingsError("A run needs the URL of a database; set DATABASE_URL.")
    return settings.database_url


def _login_of(settings: Settings) -> str | None:
    """Returns the login, which identifies a run until its account is known; None with an access token."""
    return None if settings.access_token else shown_login(settings) or None


async def _recorded(
    plan: Plan, run: Run, begun: Result, signals: AbstractContextManager[None], budget: Budget
) -> Result:
    """Logs in, carries out the plan, and writes to sync_runs how it ended."""
    try:
        async with requests_written(run.store, run.run_id, run.pace.journal):
            with signals, stopped_after(budget.seconds, run.stop):
                await log_in(run)
                await _carried_out(plan, run)
    except PyrusEtlError as error:
        return await _ended(run, begun, error)
    except Exception as error:
        await _ended(run, begun, error)
        raise
    return await _ended(run, begun)


async def _carried_out(plan: Plan, run: Run) -> None:
    """Carries out the plan, then analyzes the tables that it changed, even if it ended early."""
    try:
        await plan.carry_out(run)
    except PyrusEtlError:
        await _analyze(run)
        raise
    await _analyze(run)


async def _analyze(run: Run) -> None:
    """Analyzes tables that changed a lot, so that the first query of the reports is as fast as the next."""
    try:
        await run.store.query(upkeep.flush_statistics)
        for table in await run.store.query(upkeep.outdated):
            if not isinstance(run.stop.reason, Stopped):  # stopped by a signal: the next run analyzes the rest
                await run.store.query(upkeep.analyze, table)
    except PyrusEtlError as error:  # the rows are committed already
        log.debug("could not analyze the tables: %s", error)


async def _ended(run: Run, begun: Result, error: Exception | None = None) -> Result:
    """Records the end of a run, and returns its result."""
    result = begun.ended(error, run.counted())
    _warn_of_unreadable(result.counts)
    try:
        await run.store.transaction(_write_end, result, run.pace.journal.unwritten())
    except PyrusEtlError as unwritten:
        if error is None:
            return begun.ended(unwritten, result.counts)
        log.warning("could not write how the run ended: %s", unwritten)
    if error is None:
        await _hint(run.store)
        return replace(result, error=run.stop.reason)  # it may have been asked too late to stop the plan
    return result


def _warn_of_unreadable(counts: Counts) -> None:
    if counts.values_unreadable:
        log.warning(
            "%d values or characters are unreadable: null or U+FFFD in the tables; pyrus.raw_tasks has the bodies",
            counts.values_unreadable,
        )


def _write_end(connection: Connection, result: Result, sent: Mapping[int, int]) -> None:
    end: dict[str, object] = {"status": result.status, "finished_at": result.finished_at, "error": result.message}
    write_run(connection, result.run_id, {**end, **result.counts.as_columns()})
    write_requests(connection, result.run_id, sent)


async def _hint(store: Store) -> None:
    """Logs how many form fields the wide views lack; logs nothing if there are no wide views."""
    try:
        if await store.query(wide.remembered) and (fields := await store.query(catalogue.waiting)):
            log.info("form fields without a column: %s (run pyrus-etl reports refresh)", fields)
    except PyrusEtlError as error:  # the rows are committed already
        log.debug("could not count the form fields without a column: %s", error)
