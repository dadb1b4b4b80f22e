"""What runs when: a sync again and again, a census now and then, and what follows them. One run at a time.

No fault ends it: one that passes is tried again soon, one that only a person can fix slowly.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import NamedTuple, TypeVar

import psycopg

from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.extract.source import AccountAccess
from pyrus_etl.load.contents import Chosen, has_new
from pyrus_etl.load.due import census_is_due
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.refresh import follow_forms
from pyrus_etl.serve.looks import look
from pyrus_etl.serve.outlook import Outlook, is_done, report
from pyrus_etl.settings import Settings
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.download import download
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.run import NO_LIMIT, Budget, Watch, run
from pyrus_etl.sync.stop import Stop

log = logging.getLogger(__name__)

T = TypeVar("T")

LEAST_BETWEEN_CENSUSES = timedelta(hours=1)


class Schedule(NamedTuple):
    """How often to sync and to take a census, and where contents of attachments go; None: they are not fetched."""

    every: timedelta = timedelta(minutes=5)
    reconcile_every: timedelta = timedelta(hours=24)
    attachments_to: str | None = None


async def keep_up(
    schedule: Schedule, settings: Settings, access: AccountAccess, stop: Stop, watch: Callable[[str], Watch]
) -> None:
    """Does everything that is due, until it is asked to stop. A run under way commits its work in hand first."""
    work = _Work(schedule, settings, access, stop, watch)
    while not stop.reason:
        pause = await work.turn()
        try:
            await asyncio.wait_for(stop.asked.wait(), pause)
        except TimeoutError:
            continue


class _Work:
    """The turns of the schedule, and what one leaves for the next."""

    def __init__(
        self,
        schedule: Schedule,
        settings: Settings,
        access: AccountAccess,
        stop: Stop,
        watch: Callable[[str], Watch],
    ) -> None:
        self._schedule = schedule
        self._settings = settings
        self._access = access
        self._stop = stop
        self._watch = watch
        self._outlook = Outlook(schedule.every.total_seconds(), settings.waits.soon, settings.waits.slowly)
        self._forms: str | None = None
        self._is_first = True

    async def turn(self) -> float:
        """A census if it is due, or else a sync, then what follows from it; returns the seconds until the next turn."""
        began = time.monotonic()
        is_census = await self._census_is_due()
        error = await self._carried_out(reconcile() if is_census else sync())
        pause = self._outlook.pause(error)
        if not is_done(error) or self._stop.reason:
            return pause
        whole, self._is_first = is_census or self._is_first, False
        await self._refresh_reports(whole=whole)
        await self._download(pause - (time.monotonic() - began), whole=whole)
        return max(0.0, pause - (time.monotonic() - began))

    async def _carried_out(self, plan: Plan, budget: Budget = NO_LIMIT) -> BaseException | None:
        """Carries out a run; returns the error that ended it early. A bug of ours is an error like any other here."""
        try:
            result = await run(
                plan,
                self._settings,
                budget=budget,
                watch=self._watch(plan.kind),
                stop=self._stop,
                access=self._access,
            )
        except Exception as bug:
            log.exception("%s: internal error; please report it", plan.kind)
            return bug
        report(result)
        return result.error

    async def _census_is_due(self) -> bool:
        """Not if the database cannot be asked: the sync will say why."""
        every = self._schedule.reconcile_every
        read = partial(
            census_is_due,
            login=self._access.login,
            every=every.total_seconds(),
            at_least=min(every, LEAST_BETWEEN_CENSUSES).total_seconds(),
        )
        return await self._looked(read, "whether a census is due") or False

    async def _refresh_reports(self, *, whole: bool) -> None:
        """Updates the views of forms and catalogs if the definition of one changed since the last look.

        After a census, updates the materialised reports too.
        """
        read = partial(follow_forms, before=None if whole else self._forms, locks=self._settings.waits.locks)
        self._forms = await self._looked(read, "to update the views of forms and catalogs") or self._forms

    async def _download(self, seconds: float, *, whole: bool) -> None:
        """Fetches contents of attachments until the next turn; after a census, also asks again for what was refused."""
        target = self._schedule.attachments_to
        if target is None or seconds <= 0 or self._stop.reason:
            return
        if whole or await self._looked(has_new, "for new attachments"):
            plan = download(target, Chosen(), may_create_parents=True)
            await self._carried_out(plan, Budget(seconds=seconds))

    async def _looked(self, read: Callable[[Connection], T], what: str) -> T | None:
        """What a look at the database finds; None if it fails, which is logged."""
        assert self._settings.database_url
        try:
            return await look(self._settings.database_url, read, self._settings.waits.connect_database)
        except (PyrusEtlError, psycopg.Error) as error:
            log.warning("could not look %s: %s", what, error)
            return None
