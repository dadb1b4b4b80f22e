"""The database of a run: a connection in a thread beside the event loop, and one transaction at a time."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Concatenate, ParamSpec, Self, TypeVar

import psycopg
import tenacity

from pyrus_etl.background import Background
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection, Session, connect, errors_of
from pyrus_etl.postgres.faults import LOST, is_raised
from pyrus_etl.postgres.lease import LEASE_SECONDS, RENEW_SECONDS, Lease, acquire, briefly, release, renew
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.settings import Secret, Waits
from pyrus_etl.settings.retry import STANDARD

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_PASSING = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


class Store:
    """Open it with `async with`; raises DatabaseUnavailable if the database or its schema cannot be used.

    Once it holds a lease, every transaction renews it first, so a run that lost the lock cannot commit.
    """

    def __init__(self, url: Secret, waits: Waits = STANDARD) -> None:
        self._url = url
        self._waits = waits
        self._connection: Session | None = None
        self._thread = Background("database")
        self._lease: Lease | None = None
        self._heartbeat: asyncio.Task[None] | None = None
        self._failing_since: float | None = None
        self._renewed = -math.inf

    async def __aenter__(self) -> Self:
        try:
            await self._in_thread(self._check)
        except BaseException:
            self._thread.submit(self._close)
            self._thread.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._heartbeat:
            self._heartbeat.cancel()
        try:
            await self._in_thread(self._close)
        finally:
            self._thread.close()

    async def hold(self, lease: Lease) -> None:
        """Takes the lock and keeps it until the store is closed; raises LockHeld. Stops waiting if it is cancelled."""
        given_up = threading.Event()
        try:
            await self._in_thread(partial(self._again, lambda: acquire(self._open(), lease, given_up)))
        except asyncio.CancelledError:
            given_up.set()
            self._thread.submit(partial(self._release, lease))  # it may have been taken a moment ago
            raise
        self._lease = lease
        self._heartbeat = asyncio.create_task(self._renew())

    async def transaction(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **options: P.kwargs) -> T:
        """Runs `work(connection, …)` in a transaction, which is committed when this returns.

        If the connection is lost, it is opened again and the work repeated, so the work must be safe to repeat. Raises
        LockHeld if the lease was lost, DatabaseUnavailable if the database stays away for longer than `Waits.outage`.
        """
        return await self._in_thread(partial(self._again, partial(self._transaction, work, *args, **options)))

    async def query(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **options: P.kwargs) -> T:
        """Runs `work(connection, …)`, which changes no row of the run, without a transaction and without the lease.

        A query takes one round trip, and a transaction three more; and if we die in it, no lock stays behind.
        Raises DatabaseUnavailable.
        """
        return await self._in_thread(partial(self._again, lambda: work(self._open(), *args, **options)))

    def _check(self) -> None:
        connection = self._open()
        with errors_of(connection):
            require_schema(connection)

    def _again(self, work: Callable[[], T]) -> T:
        """Runs the work, and repeats it, within `Waits.outage`, while the database has a fault that passes."""
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._is_passing),
            stop=self._is_out_of_time,
            wait=lambda state: self._waits.outage.pause(state.attempt_number),
            reraise=True,
        )
        try:
            answer: T = tries(work)
        except psycopg.Error:
            with errors_of(self._connection):
                raise
        self._failing_since = None
        return answer

    def _is_out_of_time(self, _: tenacity.RetryCallState) -> bool:
        """Whether the outage is too long; it counts from its first failure, not for each piece of work."""
        self._failing_since = self._failing_since or time.monotonic()
        return time.monotonic() - self._failing_since > self._waits.outage.within

    def _transaction(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **options: P.kwargs) -> T:
        connection, began = self._open(), time.monotonic()
        with connection.transaction():
            if self._lease:
                renew(connection, self._lease)
            else:
                briefly(connection)
            answer = work(connection, *args, **options)
            if self._lease and time.monotonic() - began > RENEW_SECONDS:  # or it might expire during the commit
                renew(connection, self._lease)
        self._renewed = began
        return answer

    @property
    def holds_lease(self) -> bool:
        """Whether the lease is surely still ours, for a second at least; it expires if it cannot be renewed."""
        return self._lease is not None and time.monotonic() - self._renewed < LEASE_SECONDS - 1

    def _is_passing(self, error: BaseException) -> bool:
        if isinstance(error, DatabaseUnavailable):  # from opening it again
            return error.is_lost
        if isinstance(error, _PASSING):
            return not is_raised(error)
        lost = isinstance(error, LOST) and self._connection is not None and self._connection.closed
        if lost:
            log.warning("the connection to the database was lost, trying again")
        return lost

    def _open(self) -> Session:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, self._waits.connect_database)
        return self._connection

    def _close(self) -> None:
        if self._connection is None or self._connection.closed:
            return
        with self._connection:
            if self._lease:
                self._release(self._lease)

    def _release(self, lease: Lease) -> None:
        try:
            release(self._open(), lease)
        except (psycopg.Error, DatabaseUnavailable) as error:
            log.debug("the lock could not be released, its lease runs out: %s", error)

    async def _renew(self) -> None:
        """Renews the lease while the run waits for Pyrus. If it was lost, the next transaction fails."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self.transaction(lambda connection: None)
            except Exception as error:
                log.debug("the lease could not be renewed: %s", error)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._thread.submit(work))
