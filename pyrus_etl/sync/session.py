"""The parts of a run, and its login."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from pyrus_etl.client.pace import Pace
from pyrus_etl.errors import BudgetSpent, LockHeld, PyrusEtlError
from pyrus_etl.extract.source import Source
from pyrus_etl.load import rebuild
from pyrus_etl.load.doubt import doubted
from pyrus_etl.load.runs import forget_run, join_account, show_alive
from pyrus_etl.postgres.lease import RENEW_SECONDS, Lease
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports import forms
from pyrus_etl.schema.counts import NONE, Counts
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.quota import take_up_quota
from pyrus_etl.sync.stop import Stop

log = logging.getLogger(__name__)


@dataclass
class Run:
    """The connections, limits and state of a run, for its plan.

    `pace`: limits the requests. `login`: None with an access token. `account_id`: known after the login.
    `pending`: task id → listed date of the tasks in flight. `relisted`: those that were listed again in the meantime,
    with the new date. `doubted`: task id → last listed date of the tasks that earlier runs doubted and this run has not
    fetched yet. `failed`: tasks rejected in this run. `retried`: task id → listed date of the tasks rejected in earlier
    runs. `recovered`: those of them that this run loaded. `server_faults`: how many tasks in a row the server failed
    to serve. `refused_in_a_row`: how many tasks in a row PostgreSQL refused.
    `spent`: set when no further request may be sent.
    `form_overrides`: project id → form id, set manually. `has_outdated_rows`: another version made some rows.
    """

    run_id: UUID
    source: Source
    store: Store
    concurrency: int
    overlap: timedelta
    progress: Progress
    stop: Stop
    pace: Pace
    login: str | None
    account_id: int = 0
    counts: Counts = NONE
    pending: dict[int, datetime | None] = field(default_factory=dict)
    relisted: dict[int, datetime] = field(default_factory=dict)
    doubted: dict[int, datetime | None] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    retried: dict[int, datetime | None] = field(default_factory=dict)
    recovered: set[int] = field(default_factory=set)
    server_faults: int = 0
    refused_in_a_row: int = 0
    spent: BudgetSpent | None = None
    form_overrides: Mapping[int, int | None] = field(default_factory=dict)
    has_outdated_rows: bool = False

    @property
    def start(self) -> tuple[datetime, float]:
        """When the run started by the server's clock, and how many seconds that clock is ahead of ours."""
        return self.source.start.server, self.source.start.ahead.total_seconds()

    def counted(self, more: Counts = NONE) -> Counts:
        """Returns the counts plus `more`, with the requests up to now."""
        return replace(self.counts + more, requests=self.source.requests, retries=self.source.retries)

    def count(self, more: Counts) -> None:
        """Adds to the counts."""
        self.counts = self.counts + more


async def log_in(run: Run) -> None:
    """Finds out which account this is, takes its lock, and reads the state that the plan needs."""
    async with _heartbeat(run):
        try:
            await run.stop.unless_asked(take_up_quota(run.store, run.run_id, run.login, run.pace))
            account = await run.stop.unless_asked(run.source.profile())
            await run.stop.unless_asked(run.store.hold(Lease(account.id, run.run_id)))
        except LockHeld:
            await run.store.transaction(forget_run, run.run_id)
            raise
    run.account_id = account.id
    await run.store.transaction(join_account, run.run_id, account.id, *run.start)
    run.form_overrides = await run.store.query(forms.overrides)
    run.doubted = await run.store.query(doubted, account.id)
    run.has_outdated_rows = await run.store.query(rebuild.outdated) > 0


@asynccontextmanager
async def _heartbeat(run: Run) -> AsyncIterator[None]:
    """Updates the row of the run until it has a lease, so that no other run takes it for dead."""

    async def show() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await run.store.transaction(show_alive, run.run_id)
            except PyrusEtlError as error:
                log.debug("could not write the heartbeat of the run: %s", error)

    showing = asyncio.create_task(show())
    try:
        yield
    finally:
        showing.cancel()
