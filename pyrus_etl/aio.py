"""Runs on the caller's event loop: `await pyrus_etl.aio.sync(settings)`. docs/python.md shows how to use them.

Each carries out one run and returns its result. It raises the error of a run that failed, from `pyrus_etl.errors`. A
run that stopped early on purpose, or set tasks aside, did not fail: its result says so. What a run committed stays
committed, and the next run continues there. If the task is cancelled, the run ends after the work in hand.

`account`: the name of one of several; without it, SettingsError. To run several side by side, gather one call for each.

`max_requests` and `max_seconds` limit a run: it then ends with status `partial`.
"""

import asyncio
import logging
import signal
from dataclasses import replace
from datetime import date

from pyrus_etl.errors import SettingsError, Stopped
from pyrus_etl.settings import Settings
from pyrus_etl.sync.database import database_opened
from pyrus_etl.sync.listing.period import period
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.push import members_of
from pyrus_etl.sync.plans.push import push as push_plan
from pyrus_etl.sync.plans.reconcile import MAX_DELETED
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget, run
from pyrus_etl.sync.stop import Stop

log = logging.getLogger(__name__)


async def backfill(
    settings: Settings,
    *,
    start: date | None = None,
    end: date | None = None,
    restart: bool = False,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Fetches all tasks that were active from `start` to `end`, then catches up to now.

    Both are included; without them, fetches everything that the account can see. Resumes an unfinished backfill of the
    same period unless `restart`.
    """
    plan = backfill_plan(period(start, end), restart=restart)
    return await _carried_out(plan, settings.of_account(account), Budget(max_requests, max_seconds))


async def sync(
    settings: Settings,
    *,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Fetches what changed since the last run; on an empty database, everything."""
    return await _carried_out(sync_plan(), settings.of_account(account), Budget(max_requests, max_seconds))


async def reconcile(
    settings: Settings,
    *,
    max_deleted: float = MAX_DELETED,
    force: bool = False,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Compares what the account can see with what is stored: fetches missed tasks, marks deleted ones.

    Marks nothing if more than the share `max_deleted` of the stored tasks is missing, unless `force`; the result then
    has the error CensusDoubted.
    """
    plan = reconcile_plan(max_deleted, force=force)
    return await _carried_out(plan, settings.of_account(account), Budget(max_requests, max_seconds))


async def push(
    settings: Settings,
    *,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Sends the waiting rows of pyrus.outbox, each exactly once, and reads their tasks back.

    A row that was refused, or of which nobody knows, is in the counts of the result and has its reason in the table.
    Raises SettingsError unless `settings.write` is true.
    """
    own = settings.of_account(account)
    if not own.write:
        raise SettingsError("PYRUS_ETL_WRITE is off, so nothing is written to Pyrus; set it to on.")
    return await _carried_out(push_plan(own.write_files, members_of(own)), own, Budget(max_requests, max_seconds))


async def _carried_out(plan: Plan, settings: Settings, budget: Budget) -> Result:
    for warning in settings.warnings:
        log.warning("%s", warning)
    async with database_opened(settings) as url:
        result = await _stopped_by_cancelling(plan, replace(settings, database_url=url), budget)
    if result.status == "failed" and result.error:
        raise result.error
    return result


async def _stopped_by_cancelling(plan: Plan, settings: Settings, budget: Budget) -> Result:
    """Runs a plan. If this task is cancelled, the run ends as by SIGINT; if it is cancelled again, at once."""
    stop = Stop()
    running = asyncio.create_task(run(plan, settings, budget=budget, stop=stop))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.ask(Stopped(signal.SIGINT))
        await running
        raise
