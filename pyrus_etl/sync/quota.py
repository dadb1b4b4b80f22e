"""One quota for all runs: each run counts what recent runs sent, and records what it sends itself.

The limit: https://pyrus.com/en/help/api/errors-and-limits.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from pyrus_etl.client.journal import Journal
from pyrus_etl.client.pace import Pace
from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.load.requests import database_clock, recent_requests, write_requests
from pyrus_etl.postgres import lease
from pyrus_etl.postgres.store import Store

log = logging.getLogger(__name__)

SECONDS_BETWEEN_WRITES = 2.0
ENOUGH = 4
"""Requests that a run needs to learn that another run is active: login and profile, each with one retry."""


async def take_up_quota(store: Store, run_id: UUID, login: str | None, pace: Pace) -> None:
    """Counts requests of recent runs against the quota; call it before the first request. Writes nothing.

    Raises LockHeld if an active run of the same login has used nearly all of it: to learn that from a login, this run
    would have to wait long.
    """
    began = time.monotonic()
    now = await store.query(database_clock)
    pace.journal.set_clock(now + time.monotonic() - began)
    sent = await store.query(recent_requests, run_id, login, pace.quota.period)
    if sum(each.requests for each in sent) > pace.quota.requests - ENOUGH:
        for account_id in {each.account_id for each in sent if each.account_id and each.login and login}:
            await _leave_if_held(store, account_id)
    own = time.monotonic() - now + 1 + pace.quota.period
    pace.take(own + each.second for each in sent for _ in range(each.requests) if each.login or not each.account_id)


async def _leave_if_held(store: Store, account_id: int) -> None:
    """Raises LockHeld if an active run holds the lock; a dead run does not renew its lease, so waits for its end."""
    first = held = await store.query(lease.holder, account_id)
    while held:
        if held != first:
            raise lease.refusal(account_id, held)
        await asyncio.sleep(0.25)
        held = await store.query(lease.holder, account_id)


@asynccontextmanager
async def requests_written(store: Store, run_id: UUID, journal: Journal) -> AsyncIterator[None]:
    """Records the requests sent every two seconds, so that few are missing if the run is killed."""

    async def write() -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_WRITES)
            if sent := journal.unwritten():
                try:
                    await store.transaction(write_requests, run_id, sent)
                    journal.written(sent)
                except PyrusEtlError as error:
                    log.debug("the requests of the run could not be written: %s", error)

    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        writing.cancel()
