"""One quota for all processes of an account: a run leases permits of it from the database.

The limit: https://pyrus.com/en/help/api/errors-and-limits.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from pyrus_etl.client.quota.leases import Leases
from pyrus_etl.client.quota.lending import Grant, Report
from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.client.quota.slots import Slots
from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError
from pyrus_etl.load.sharing.quotas import UNKNOWN, Share, may_lease, remaining, settle, share_of
from pyrus_etl.postgres import lease
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Secret, Waits

log = logging.getLogger(__name__)

ENOUGH = 4
"""Requests that a run needs to learn that another run is active: login and profile, each with one retry."""
OVER_THE_RUNS = 2
"""Reports over the connection of the run. Many would wait for its commits; few are not worth another connection."""


class SharedQuota:
    """The share of a run in the quota of its account; see `shared_quota`."""

    def __init__(self, store: Store, pace: Pace, own_store: Store, opened: AsyncExitStack) -> None:
        self._store, self._own_store, self._opened = store, own_store, opened
        self._pace = pace
        self._share = Share(UNKNOWN, pace.quota)
        self._leases = Leases(pace.quota, self._lend, pace.announce)
        self._taken: list[int] = []
        self._reports = 0
        pace.share(self._leases)

    async def take_up(self, login: str | None) -> None:
        """Takes the first lease; call it before the first request.

        Raises LockHeld if an active run of the same login has leased nearly all of the quota: to learn that from a
        login, this run would have to wait long.
        """
        self._share = await self._store.query(share_of, login, self._share.quota)
        if await self._leases.begin(ENOUGH) < ENOUGH and self._share.account_id:
            await _leave_if_held(self._store, self._share.account_id)

    async def take_up_as(self, account_id: int) -> None:
        """The same for a process whose account is known."""
        self._share = self._share._replace(account_id=account_id)
        await self._leases.begin(1)

    async def count(self, login: str | None, account_id: int | None) -> None:
        """The same for a few requests, which wait for their turn even if a run uses all of the quota.

        `account_id`: None if it is not known yet. The caller may write leases.
        """
        if account_id is None:
            self._share = await self._store.query(share_of, login, self._share.quota)
        else:
            self._share = self._share._replace(account_id=account_id)
        await self._leases.begin(1)

    async def watch(self, login: str | None) -> None:
        """The same for a caller that only reads: if it may not write, it takes only what is left at this moment."""
        if await self._store.query(may_lease):
            await self.take_up(login)
            return
        quota = self._share.quota
        left = await self._store.query(remaining, quota, login)
        self._pace.share(Slots(quota, self._pace.announce, quota.requests - left))

    def join(self, account_id: int) -> None:
        """The account is known for sure: with the next report, the leases taken before are moved to it."""
        if account_id != self._share.account_id:
            self._share = Share(account_id, self._share.quota, moved=tuple(self._taken))
        self._taken.clear()

    async def give_back(self) -> None:
        """Gives back what was not used. If that fails, the leases expire."""
        try:
            await self._leases.end()
        except PyrusEtlError as error:
            log.debug("what is left of the quota could not be given back: %s", error)

    async def _lend(self, report: Report) -> Grant:
        self._reports += 1
        if self._reports == OVER_THE_RUNS + 1:
            await self._open_own()
        share, lease_id = self._share, random.getrandbits(63)
        granted = await self._store.query(settle, share, report, lease_id)
        if self._share is share:
            self._share = share._replace(moved=(), is_new=False)
            self._taken.append(lease_id)
        else:  # the account has become known meanwhile
            self._share = self._share._replace(moved=(*self._share.moved, lease_id))
        return granted

    async def _open_own(self) -> None:
        try:
            self._store = await self._opened.enter_async_context(self._own_store)
        except DatabaseUnavailable as error:  # perhaps it accepts no more connections
            log.debug("the quota is leased over the connection of the run: %s", error)


@asynccontextmanager
async def shared_quota(store: Store, pace: Pace, url: Secret, waits: Waits) -> AsyncIterator[SharedQuota]:
    """Makes the pace lease its requests from the database; on exit gives back those that were not sent."""
    async with AsyncExitStack() as opened:
        quota = SharedQuota(store, pace, Store(url, waits), opened)
        try:
            yield quota
        finally:
            await quota.give_back()


async def _leave_if_held(store: Store, account_id: int) -> None:
    """Raises LockHeld if an active run holds the lock; a dead run does not renew its lease, so waits for its end."""
    first = held = await store.query(lease.holder, account_id)
    while held:
        if held != first:
            raise lease.refusal(account_id, held)
        await asyncio.sleep(0.25)
        held = await store.query(lease.holder, account_id)
