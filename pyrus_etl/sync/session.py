"""What a run holds open: the API, the database, and after the login the account's lock."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pyrus_etl.client.client import Client
from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.errors import LockHeld, PyrusEtlError, SettingsError
from pyrus_etl.extract.apis import access_of
from pyrus_etl.extract.source import AccountAccess, Source
from pyrus_etl.load.operation.runs import forget_run, join_account, open_run, show_alive
from pyrus_etl.load.sharing.accounts import has_others, note_account
from pyrus_etl.load.sharing.claims import release_all
from pyrus_etl.load.sharing.organization import admit
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.lease import RENEW_SECONDS, Lease
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Settings, Waits
from pyrus_etl.settings.retry import STANDARD
from pyrus_etl.sync.result import Result, new_run_id
from pyrus_etl.sync.sharing.organization import refuse_another
from pyrus_etl.sync.sharing.quota import SharedQuota, shared_quota
from pyrus_etl.sync.stop import Stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """What a run holds open. `login`: None with an access token. `account_id`: 0 until the login.

    `api`, `name`: of the account, see `AccountAccess`. `shares`: other accounts use the database too.
    `is_worker`: it works under the lock of another process.
    """

    run_id: UUID
    source: Source
    store: Store
    pace: Pace
    quota: SharedQuota
    login: str | None
    account_id: int = 0
    waits: Waits = STANDARD
    api: str | None = None
    name: str | None = None
    shares: bool = False
    is_worker: bool = False

    @property
    def start(self) -> tuple[datetime, float]:
        """When the run started by the server's clock, and how many seconds that clock is ahead of ours."""
        return self.source.start.server, self.source.start.ahead.total_seconds()


@asynccontextmanager
async def opened(settings: Settings, client: Client, begun: Result, access: AccountAccess) -> AsyncIterator[Session]:
    """Opens the database and the client, and gives the run its row; on exit closes them and releases the lock.

    Raises SettingsError or DatabaseUnavailable.
    """
    async with _connected(settings, client, begun.run_id, access) as session:
        store = session.store
        await store.transaction(open_run, begun.run_id, session.login, begun.kind, begun.started_at)
        yield session


@asynccontextmanager
async def watching(settings: Settings, client: Client) -> AsyncIterator[Session]:
    """Opens the database and the client, and logs in, for a caller that only reads.

    It has no lock and no row in sync_runs; only its share in the quota is recorded. Raises LockHeld if an active run
    has used nearly all of the quota.
    """
    async with _connected(settings, client, new_run_id(), access_of(settings)) as session:
        await session.quota.watch(session.login)
        account = await session.source.profile()
        await refuse_another(session.source, session.store, account)
        session.quota.join(account.id)
        yield replace(session, account_id=account.id)


@asynccontextmanager
async def _connected(settings: Settings, client: Client, run_id: UUID, access: AccountAccess) -> AsyncIterator[Session]:
    if settings.database_url is None:
        raise SettingsError("A run needs the URL of a database; set DATABASE_URL.")
    url, waits, pace = settings.database_url, settings.waits, client.pace
    async with Store(url, waits) as store, shared_quota(store, pace, url, waits) as quota, client:
        yield Session(
            run_id,
            access.open(client),
            store,
            pace,
            quota,
            access.login,
            waits=waits,
            api=access.api,
            name=access.name,
            shares=settings.has_several,
        )


async def log_in(session: Session, stop: Stop) -> Session:
    """Finds out which account this is, and takes its lock.

    Raises SettingsError if it is of another organisation than the database, and LockHeld if another run is at work.
    """
    run_id, source, store = session.run_id, session.source, session.store
    async with _heartbeat(session):
        try:
            await stop.unless_asked(session.quota.take_up(session.login))
            account = await stop.unless_asked(source.profile())
            await stop.unless_asked(refuse_another(source, store, account))
            session.quota.join(account.id)
            await stop.unless_asked(store.hold(Lease(account.id, run_id)))
        except LockHeld:
            await store.transaction(forget_run, run_id)
            raise
    session = replace(session, account_id=account.id)
    return replace(session, shares=await store.transaction(_join, session, account.organization_id))


def _join(connection: Connection, session: Session, organization_id: int | None) -> bool:
    """Records who has logged in; returns whether there are other accounts."""
    admit(connection, session.account_id, organization_id)
    release_all(connection, session.account_id)
    join_account(connection, session.run_id, session.account_id, *session.start)
    note_account(connection, session.account_id, session.name, session.login, session.api, organization_id)
    return session.account_id > 0 and (session.shares or has_others(connection, session.account_id))


@asynccontextmanager
async def _heartbeat(session: Session) -> AsyncIterator[None]:
    """Updates the row of the run until it has a lease, so that no other run takes it for dead."""

    async def show() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await session.store.transaction(show_alive, session.run_id)
            except PyrusEtlError as error:
                log.debug("could not write the heartbeat of the run: %s", error)

    showing = asyncio.create_task(show())
    try:
        yield
    finally:
        showing.cancel()
