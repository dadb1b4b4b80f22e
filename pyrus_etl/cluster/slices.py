"""One job: a slice of an account's work. It takes the account, looks at its database, runs, and says how that ended."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from pyrus_etl.cluster import accounts
from pyrus_etl.cluster.accounts import Account, Name
from pyrus_etl.cluster.database import in_cluster
from pyrus_etl.cluster.kinds import BACKFILL, FILES, HINTS, SYNC
from pyrus_etl.cluster.looks import Seen, look, refresh_reports
from pyrus_etl.cluster.outcomes import LATER, Outcome, outcome_of
from pyrus_etl.cluster.references import settings_of
from pyrus_etl.errors import BudgetSpent, DatabaseUnavailable, PyrusEtlError, Stopped
from pyrus_etl.extract.apis import access_of
from pyrus_etl.extract.source import AccountAccess
from pyrus_etl.load.files.contents import Chosen
from pyrus_etl.run_id import under_way
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.login import logged_in_once
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.download import download
from pyrus_etl.sync.plans.hints import hints, with_hints
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from pyrus_etl.sync.stop import Stop, stopped_with

log = logging.getLogger(__name__)

SLICE = Budget(seconds=300)
"""What a slice may spend. A census has no limit, because one that is cut off would begin again."""
LINGER = 2.0
"""Seconds that a slice for hints waits for more."""
HINTS_EVERY = 5.0
"""Seconds until a slice looks for new hints."""
TRIES, BETWEEN_TRIES = 6, 5.0
"""To write how a slice ended: the cluster's database may be away for a moment."""


class Work(NamedTuple):
    """What a slice does, and within which limits."""

    plan: Plan
    budget: Budget


@dataclass
class Slices:
    """The slices of one worker. `url`: of the cluster's database; `base`: the settings that all accounts share.

    It holds the login of each account, so that the process logs in once.
    """

    url: Secret
    base: Settings
    worker: str
    stop: Stop
    budget: Budget = SLICE
    _logins: dict[Name, tuple[tuple[Any, ...], AccountAccess]] = field(default_factory=dict)

    async def carry_out(self, name: Name, kind: str) -> bool:
        """Does a slice of work, if it is due; returns whether another one is due at once. Raises nothing."""
        try:
            account = await in_cluster(self.url, accounts.claim, name, kind, self.worker, uuid4())
        except DatabaseUnavailable as error:  # the account stays due
            log.debug("%s: %s", name, error)
            return False
        if account is None:
            return False
        outcome = await self._outcome(account, kind)
        if outcome is None:
            await self._note(account, accounts.released, account, kind)
            return False
        if outcome.error:
            log.log(logging.WARNING if outcome.failed else logging.INFO, "%s: %s", name, outcome.error)
        await self._note(account, accounts.ended, account, kind, outcome)
        return outcome.after == 0.0 and not outcome.paused_because

    async def _outcome(self, account: Account, kind: str) -> Outcome | None:
        """How the slice ended; None if workers of another version have to do it."""
        error: BaseException | None
        code = 0
        try:
            result = await self._slice(account, kind)
            if result is None:
                return None
            error, code = result.error, result.exit_code
        except PyrusEtlError as known:
            error, code = known, known.exit_code
        except Exception as bug:
            log.exception("%s: internal error; please report it", account.name)
            error = bug
        found = outcome_of(error, code, account.failures)
        if kind in (SYNC, BACKFILL):
            return found
        if kind == HINTS and isinstance(error, BudgetSpent):  # a sync that is due goes first; it follows hints too
            found = found._replace(after=LATER)
        return found._replace(complete=False)

    async def _slice(self, account: Account, kind: str) -> Result | None:
        settings = settings_of(account, self.base)
        assert settings.database_url
        access = self._logged_in(account.name, settings)
        seen = await look(settings.database_url, account, access.login)
        await self._note(account, accounts.note_database, account.org, seen.revision, account.login, seen.account_id)
        if not seen.is_ours:
            log.info("%s: the database is at revision %s; workers of that version do it", account.name, seen.revision)
            return None
        result = await self._run(account.name, _work(account, kind, seen, self.budget), settings, access)
        _report(account.name, result)
        if result.status == "ok" and kind in (SYNC, BACKFILL):
            await self._follow_up(account, settings.database_url, access.login, whole=result.kind == "reconcile")
        return result

    async def _run(self, account: Name, work: Work, settings: Settings, access: AccountAccess) -> Result:
        """Carries out a run. If the job is cancelled, the run ends after the work in hand."""
        async with stopped_with(self.stop) as stop, _hints_looked_for() as arrived:
            plan = work.plan if work.plan.kind == HINTS else with_hints(work.plan, arrived)
            running = asyncio.create_task(run(plan, settings, budget=work.budget, stop=stop, access=access))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                stop.ask(Stopped(signal.SIGTERM))
                with suppress(PyrusEtlError):
                    _report(account, await running)
                raise

    async def _follow_up(self, account: Account, url: Secret, login: str | None, *, whole: bool) -> None:
        """Updates the views of forms; notes that contents of attachments wait. The slice has done its work before."""
        try:
            await refresh_reports(url, account, everything=whole)
            if account.attachments_to and (await look(url, account, login)).has_files:
                await self._note(account, accounts.note_files, account)
        except Exception as error:
            log.warning("%s: reports or files have to wait: %s", account.name, error)

    async def _note(self, account: Account, write: Any, *arguments: Any) -> None:
        """Writes to the cluster's database, which may be away for a moment; gives up after a while."""
        for attempt in range(1, TRIES + 1):
            try:
                await in_cluster(self.url, write, *arguments)
            except DatabaseUnavailable as error:
                log.debug("%s: %s", account.name, error)
                if not error.is_lost or attempt == TRIES:
                    log.warning("%s: the cluster does not know how it went: %s", account.name, error)
                    return
                await asyncio.sleep(BETWEEN_TRIES)
            else:
                return

    def _logged_in(self, name: Name, settings: Settings) -> AccountAccess:
        """How runs get to the account; its login is kept while its settings are the same."""
        key = settings.security_key.reveal() if settings.security_key else ""
        same = (settings.api, settings.url, settings.client_id, settings.person_id, settings.quota, key)
        before = self._logins.get(name)
        if before is None or before[0] != same:
            before = self._logins[name] = same, logged_in_once(access_of(settings))
        return before[1]


def _work(account: Account, kind: str, seen: Seen, budget: Budget) -> Work:
    """What to do: the sync begins with a backfill, which it resumes; a census takes its place if that is due."""
    if kind == HINTS:
        arrived = asyncio.Event()
        return Work(hints(arrived, asyncio.Event(), LINGER), budget)
    if kind == FILES and account.attachments_to:
        return Work(download(account.attachments_to, Chosen(), may_create_parents=True), budget)
    return Work(reconcile(), NO_LIMIT) if seen.census_is_due else Work(sync(), budget)


@asynccontextmanager
async def _hints_looked_for() -> AsyncIterator[asyncio.Event]:
    """An event that is set now and then: other processes store hints."""
    arrived = asyncio.Event()

    async def look_again() -> None:
        while True:
            arrived.set()
            await asyncio.sleep(HINTS_EVERY)

    looking = asyncio.create_task(look_again())
    try:
        yield arrived
    finally:
        looking.cancel()


def _report(name: Name, result: Result) -> None:
    """Logs in a line how a slice ended."""
    with under_way(result.run_id):
        seconds = (result.finished_at - result.started_at).total_seconds() if result.finished_at else 0.0
        log.info("%s: %s %s in %.1f s: %s", name, result.kind, result.status, seconds, next(result.summary()))
