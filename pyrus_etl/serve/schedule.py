"""What runs when: a sync again and again, a census now and then, and what follows them. One run at a time.

No fault ends it: one that passes is tried again soon, one that only a person can fix slowly.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from typing import NamedTuple, TypeVar

import psycopg

from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError
from pyrus_etl.extract.source import AccountAccess
from pyrus_etl.load.files.contents import Chosen, has_new
from pyrus_etl.load.operation.due import LEAST_BETWEEN_CENSUSES, census_is_due
from pyrus_etl.load.sharing.accounts import note_next
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.refresh import refresh_if_due
from pyrus_etl.run_id import under_way
from pyrus_etl.serve.looks import look
from pyrus_etl.serve.outlook import Outlook, is_done, report
from pyrus_etl.settings import Settings
from pyrus_etl.sync.listing.hinted import happened
from pyrus_etl.sync.memory import give_back
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.download import download
from pyrus_etl.sync.plans.hints import hints, with_hints
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.run import NO_LIMIT, Budget, Watch, run
from pyrus_etl.sync.stop import Stop, stopped_with

log = logging.getLogger(__name__)

T = TypeVar("T")

LEAST_OF_DOWNLOADS = 10.0
"""Seconds that contents of attachments get after each sync, even if the next one is due."""
LINGER = 2.0
"""Seconds that a run for hints waits for more: those that come soon share a run, a login and a lock."""
LONGEST_PAUSE = 15.0
"""Seconds until hints are tried again after a fault that passes."""


class Schedule(NamedTuple):
    """How often to sync and to take a census, and where contents of attachments go; None: they are not fetched.

    `attachments_to`: as `files.target` reads it.
    """

    every: timedelta = timedelta(minutes=5)
    reconcile_every: timedelta = timedelta(hours=24)
    attachments_to: str | None = None


class Means(NamedTuple):
    """What runs need. `arrived`: set when there are hints. `stop`: ends everything."""

    settings: Settings
    access: AccountAccess
    arrived: asyncio.Event
    stop: Stop
    watch: Callable[[str], Watch]


async def keep_up(schedule: Schedule, means: Means) -> None:
    """Does everything that is due, until it is asked to stop. A run under way commits its work in hand first."""
    work, due, hints_due = _Turns(schedule, means), time.monotonic(), time.monotonic()
    while not means.stop.reason:
        now = time.monotonic()
        if now >= due:
            pause = await work.turn()
            due = pause + time.monotonic()
            await work.note_next(pause)
            give_back()
        elif now >= hints_due and means.arrived.is_set():
            hints_due = await work.fetch_hints(due - now) + time.monotonic()
            give_back()
        else:
            has_hints = means.arrived.is_set()
            waited_for = [means.stop.asked] if has_hints else [means.stop.asked, means.arrived]
            await happened(*waited_for, within=(min(due, hints_due) if has_hints else due) - now)
    await work.note_next(None)


class _Turns:
    """The turns of the schedule, and what one leaves for the next."""

    def __init__(self, schedule: Schedule, means: Means) -> None:
        waits = means.settings.waits
        self._schedule = schedule
        self._means = means
        self._outlook = Outlook(schedule.every.total_seconds(), waits.soon, waits.slowly)
        self._outlook_of_hints = Outlook(LONGEST_PAUSE, waits.soon._replace(first_pause=1.0), waits.slowly)
        self._is_first = True

    async def turn(self) -> float:
        """A census if it is due, or else a sync, then what follows from it; returns the seconds until the next turn.

        The tasks that webhooks name meanwhile are fetched beside it.
        """
        began = time.monotonic()
        is_census = await self._census_is_due()
        error = await self._carried_out(reconcile() if is_census else sync())
        pause = self._outlook.pause(error)
        if not is_done(error) or self._means.stop.reason:
            return pause
        whole, self._is_first = is_census or self._is_first, False
        await self._refresh_reports(whole=whole)
        await self._download(pause - (time.monotonic() - began), whole=whole)
        return max(0.0, pause - (time.monotonic() - began))

    async def note_next(self, seconds: float | None) -> None:
        """Shows in pyrus.accounts when the next turn comes; None: none any more."""
        note = partial(note_next, login=self._means.access.login, seconds=seconds)
        await self._looked(note, "when the next run comes", logging.DEBUG)

    async def fetch_hints(self, seconds: float) -> float:
        """Fetches the tasks that webhooks named, for at most `seconds`; returns the seconds until the next time."""
        over = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(seconds, over.set)
        try:
            error = await self._run(hints(self._means.arrived, over, LINGER))
        finally:
            timer.cancel()
        if is_done(error):
            return 0.0
        self._means.arrived.set()
        return self._outlook_of_hints.pause(error)

    async def _carried_out(self, plan: Plan, budget: Budget = NO_LIMIT) -> BaseException | None:
        return await self._run(with_hints(plan, self._means.arrived), budget, self._means.watch(plan.kind))

    async def _run(self, plan: Plan, budget: Budget = NO_LIMIT, watch: Watch = nullcontext) -> BaseException | None:
        """Carries out a run; returns the error that ended it early. A bug of ours is an error like any other here."""
        settings, access = self._means.settings, self._means.access
        await self._wait_for_database()
        try:
            async with stopped_with(self._means.stop) as stop:
                result = await run(plan, settings, budget=budget, watch=watch, stop=stop, access=access)
        except PyrusEtlError as error:
            log.error("%s", error)
            return error
        except Exception as bug:
            log.exception("%s: internal error; please report it", plan.kind)
            return bug
        with under_way(result.run_id):
            report(result)
        return result.error

    async def _wait_for_database(self) -> None:
        """Waits while the database restarts, so that no run fails for that; not longer than a run would wait."""
        settings, outage = self._means.settings, self._means.settings.waits.outage
        assert settings.database_url
        end, failures = time.monotonic() + outage.within, 0
        while time.monotonic() < end and not self._means.stop.reason:
            try:
                return await look(settings.database_url, lambda _: None, settings.waits.connect_database)
            except Exception as error:
                if not (isinstance(error, DatabaseUnavailable) and error.is_lost):  # the run says what is wrong
                    return None
                failures += 1
                log.debug("waiting for the database: %s", error)
                await happened(self._means.stop.asked, within=outage.limit(failures))
        return None

    async def _census_is_due(self) -> bool:
        """Not if the database cannot be asked: the sync will say why."""
        every = self._schedule.reconcile_every
        read = partial(
            census_is_due,
            login=self._means.access.login,
            every=every.total_seconds(),
            at_least=min(every, LEAST_BETWEEN_CENSUSES).total_seconds(),
        )
        return await self._looked(read, "whether a census is due", logging.DEBUG) or False

    async def _refresh_reports(self, *, whole: bool) -> None:
        """Refreshes the reports if a form or a catalog has changed; at the start and after a census in any case."""
        read = partial(refresh_if_due, everything=whole, locks=self._means.settings.waits.locks)
        if refreshed := await self._looked(read, "to refresh the reports"):
            columns = sum(map(len, refreshed.columns_made.values()))
            log.info("reports: %d views of forms and catalogs, %d new columns", len(refreshed.views), columns)

    async def _download(self, seconds: float, *, whole: bool) -> None:
        """Fetches contents of attachments until the next turn; after a census, also asks again for what was refused."""
        target = self._schedule.attachments_to
        if target is None or self._means.stop.reason:
            return
        if whole or await self._looked(has_new, "for new attachments"):
            plan = download(target, Chosen(), may_create_parents=True)
            await self._carried_out(plan, Budget(seconds=max(seconds, LEAST_OF_DOWNLOADS)))

    async def _looked(self, read: Callable[[Connection], T], what: str, level: int = logging.WARNING) -> T | None:
        """What a look at the database finds; None if it fails, which is logged."""
        settings = self._means.settings
        assert settings.database_url
        try:
            return await look(settings.database_url, read, settings.waits.connect_database)
        except Exception as error:
            is_known = isinstance(error, PyrusEtlError | psycopg.Error)
            log.log(level if is_known else logging.ERROR, "could not look %s: %s", what, error, exc_info=not is_known)
            return None
