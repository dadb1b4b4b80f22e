"""A run: opens what it needs, logs in, carries out its plan, and records how it ended."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from pyrus_etl.client.quota.waits import Wait, log_wait
from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.extract.apis import access_of
from pyrus_etl.extract.source import AccountAccess
from pyrus_etl.load.operation.runs import write_run
from pyrus_etl.load.sharing.accounts import note_exit
from pyrus_etl.load.tasks import rebuild, rules
from pyrus_etl.load.tasks.doubt import doubted
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports import forms
from pyrus_etl.run_id import under_way
from pyrus_etl.schema.counts import Counts
from pyrus_etl.settings import Settings
from pyrus_etl.sync.afterwards import analyze, forget, hint
from pyrus_etl.sync.alerts.alerts import alerted
from pyrus_etl.sync.flow import LIMITS, Limits
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.result import HINTS, Result
from pyrus_etl.sync.session import Session, log_in, opened
from pyrus_etl.sync.sharing.claims import end_claims
from pyrus_etl.sync.sharing.workers import Workers
from pyrus_etl.sync.stop import Stop, stopped_after, stopped_by_signals
from pyrus_etl.sync.tasks.ledger import Ledger
from pyrus_etl.sync.unopened import record_unopened

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
    limits: Limits = LIMITS,
    handles_signals: bool = False,
    watch: Watch = nullcontext,
    stop: Stop | None = None,
    access: AccountAccess | None = None,
) -> Result:
    """Carries out a plan as one run on the database of the settings, and returns its result.

    `result.error` is the error that ended the run early; only bugs are raised. What the plan committed stays committed.
    Only one run is active per database and account. A run gets its row in sync_runs as soon as it reaches the database,
    even if it never logs in. Only a run that gives way to another one leaves no row, because it did nothing.

    Events of the run are sent to PYRUS_ETL_ALERT_URL when it has ended.

    With `handles_signals`, which only the main thread may ask for, a signal ends the run after the tasks in flight.
    The caller can do the same by `stop`. `access`: what the run logs in to, if not the API of Pyrus in the
    settings.
    """
    access = access or access_of(settings)
    work = _run(plan, settings, access, budget, limits, watch, stop or Stop(), handles_signals=handles_signals)
    return await alerted(settings, access.login, work)


async def _run(
    plan: Plan,
    settings: Settings,
    access: AccountAccess,
    budget: Budget,
    limits: Limits,
    watch: Watch,
    stop: Stop,
    *,
    handles_signals: bool,
) -> Result:
    begun, ledger = Result(plan.kind), Ledger()
    client = access.client(budget.requests, partial(_announce, plan.kind, ledger.progress))
    ledger.progress.pace = client.pace
    limits = limits._replace(fetchers=client.concurrency)  # more would only wait for the client

    async def work(session: Session) -> None:
        with stopped_after(budget.seconds, stop):
            run = await _logged_in(session, ledger, stop, settings, limits)
            if limits.workers == 1:
                await _carry_out(plan, run)
                return
            session = replace(run.session, shares=True)  # workers commit only what is claimed
            async with Workers(limits.workers, settings, client) as workers:
                await _carry_out(plan, replace(run, session=session, workers=workers))

    try:
        with under_way(begun.run_id), watch(ledger.progress):
            async with opened(settings, client, begun, access) as session:
                with stopped_by_signals(stop) if handles_signals else nullcontext():
                    result = await _recorded(work, session, ledger, begun)
                    if result.status == "ok" and result.kind != HINTS:
                        await forget(session.store, settings.keep_runs)
                return replace(result, error=result.error or stop.reason)  # it may be asked too late to stop the work
    except PyrusEtlError as error:
        result = begun.ended(error, ledger.counts(client))
        await record_unopened(settings, result, access.login)
        return result


def _announce(kind: str, progress: Progress, wait: Wait) -> None:
    log_wait(wait, f"{kind}: {progress.announced(wait)}")


async def _logged_in(session: Session, ledger: Ledger, stop: Stop, settings: Settings, limits: Limits) -> Run:
    """Logs in and takes the account's lock."""
    session = await log_in(session, stop)
    await session.store.transaction(rules.note_first, settings.privacy.digest)
    await session.store.transaction(rules.note_key, settings.privacy.key_check)
    if advice := await session.store.query(rules.key_advice, settings.privacy.key_check):
        log.warning("%s", advice)
    return await prepared(session, ledger, stop, settings, limits)


async def prepared(session: Session, ledger: Ledger, stop: Stop, settings: Settings, limits: Limits) -> Run:
    """What a plan gets, once it is known which account this is. Changes nothing in the database."""
    store = session.store
    overrides = await store.query(forms.overrides)
    ledger.note_doubted(await store.query(doubted, session.account_id))
    has_outdated_rows = await store.query(rebuild.outdated) > 0
    ledger.lag.start = session.source.start.server if session.source.has_feeds else None
    return Run(
        session,
        ledger,
        stop,
        limits,
        overlap=settings.overlap,
        form_overrides=overrides,
        has_outdated_rows=has_outdated_rows,
        forms=settings.forms,
        lists=settings.lists,
        privacy=settings.privacy,
    )


async def _carry_out(plan: Plan, run: Run) -> None:
    """Carries out the plan, then analyzes the tables that it changed, even if it ended early."""
    try:
        await plan.carry_out(run)
    except PyrusEtlError:
        await _tidied(run)
        raise
    await _tidied(run)


async def _tidied(run: Run) -> None:
    with suppress(PyrusEtlError):  # then the claims end with the lock
        await end_claims(run)
    await analyze(run.session.store, run.stop)


async def _recorded(
    work: Callable[[Session], Awaitable[None]], session: Session, ledger: Ledger, begun: Result
) -> Result:
    """Does the work, writes to sync_runs how it ended, and returns that."""
    try:
        await work(session)
    except PyrusEtlError as error:
        return await _write_end(session, begun.ended(error, ledger.counts(session.source)))
    except Exception as error:
        await _write_end(session, begun.ended(error, ledger.counts(session.source)))
        raise
    result = await _write_end(session, begun.ended(None, ledger.counts(session.source)))
    await hint(session.store)
    return result


async def _write_end(session: Session, result: Result) -> Result:
    """Writes how a run ended. If that fails, a run that would have ended well has failed."""
    _warn_of_unreadable(result.counts)
    try:
        await session.store.transaction(_write, result)
    except PyrusEtlError as error:
        log.warning("could not write how the run ended: %s", error)
        return result if result.error else result.ended(error, result.counts)
    return result


def _write(connection: Connection, result: Result) -> None:
    write_run(connection, result.run_id, {**result.as_row(), **result.counts.as_columns()})
    note_exit(connection, result.run_id, result.exit_code)


def _warn_of_unreadable(counts: Counts) -> None:
    if counts.values_unreadable:
        log.warning(
            "%d values or characters are unreadable: null or U+FFFD in the tables; pyrus.raw_tasks has the bodies",
            counts.values_unreadable,
        )
