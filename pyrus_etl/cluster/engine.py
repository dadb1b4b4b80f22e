"""The queue: Procrastinate, which only this module and engine_tables.py know. It decides who works when, and no more.

The queue is disposable. What is due stands in `pyrus_cluster.accounts`, what is done in each organisation's database;
tables of the queue that are lost are made again. docs/why.md says why each of these settings is as it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Self

import psycopg
import psycopg_pool
from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.jobs import Job, Status
from procrastinate.worker import Worker

from pyrus_etl.background import in_background
from pyrus_etl.cluster.accounts import Due, Name
from pyrus_etl.cluster.database import connected, named_in_errors
from pyrus_etl.cluster.engine_tables import require
from pyrus_etl.cluster.kinds import FILES, HINTS, PRIORITY
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import SESSION, errors_of
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

Handler = Callable[[Name, str], Awaitable[None]]
"""Carries out a job, of an account and a kind. It raises nothing; if it is cancelled, it ends its run."""

HEARTBEAT, STALLED, POLL = 2.0, 8.0, 1.0
"""Seconds. A worker that was silent for as long as a lease lasts has died."""
FORGOTTEN = 600.0
HOURS_KEPT = 24
_FAULTS = (exceptions.ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed)


for _name in ("procrastinate", "psycopg.pool"):  # their tracebacks of what a worker says in a sentence
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Engine:
    """The queue of one process. Open it with `async with`; raises DatabaseUnavailable."""

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._is_pooled = False
        self._app = App(connector=PsycopgConnector())

    async def __aenter__(self) -> Self:
        self._is_pooled = await asyncio.wrap_future(in_background(lambda: _prepared(self._url), "queue"))
        connector = PsycopgConnector(
            conninfo=self._url.reveal(),
            kwargs=SESSION,
            configure=_commit_at_once,
            min_size=1,
            max_size=4,
            timeout=10.0,
            reconnect_timeout=10.0,
        )
        self._app = App(connector=connector)
        try:
            await self._app.open_async()
        except _FAULTS as error:
            raise _unavailable(error) from error
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._app.close_async()

    async def defer(self, account: Name, kind: str) -> bool:
        """Puts a job into the queue; returns False if one like it waits already. Raises DatabaseUnavailable."""
        lock = f"{account}@{REVISION}"  # a job that waits for workers of another version must not block this one
        waits_as = f"{kind}:{lock}" if kind in (HINTS, FILES) else lock
        job = self._app.configure_task(
            kind, queue=_queue(kind), lock=lock, queueing_lock=waits_as, priority=PRIORITY[kind]
        )
        try:
            await job.defer_async(**account._asdict())
        except exceptions.AlreadyEnqueued:
            return False
        except _FAULTS as error:
            raise _unavailable(error) from error
        return True

    async def work(self, handler: Handler, kinds: Collection[str], places: int, stop: asyncio.Event) -> None:
        """Carries out jobs until `stop` is set, then waits for those under way. Raises DatabaseUnavailable."""
        for kind in kinds:
            self._app.task(name=kind, queue=_queue(kind))(_job(handler, kind))
        worker = Worker(
            self._app,
            queues=[_queue(kind) for kind in kinds],
            concurrency=places,
            fetch_job_polling_interval=POLL,
            abort_job_polling_interval=POLL,
            listen_notify=not self._is_pooled,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=FORGOTTEN,
        )
        asyncio.get_running_loop().set_exception_handler(_forgive)
        stopping = asyncio.create_task(_stop_after(stop, worker))
        try:
            await worker.run()  # type: ignore[no-untyped-call] # Procrastinate leaves it untyped
        except _FAULTS as error:
            raise _unavailable(error) from error
        finally:
            stopping.cancel()
        if not stop.is_set():
            raise DatabaseUnavailable("The queue was lost.", is_lost=True)

    async def rescue(self) -> list[Name]:
        """Ends jobs whose worker died; returns their accounts. Of several workers, one gets each.

        They are not put back: a job of the same account may wait already, and a worker that wakes would end what others
        do by then.
        """
        try:
            stalled = await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED)
        except _FAULTS as error:
            raise _unavailable(error) from error
        return [_account(job) for job in stalled if await self._ended(job)]

    async def _ended(self, job: Job) -> bool:
        """Ends a job as failed, unless somebody else has ended it."""
        try:
            await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        except exceptions.ConnectorException:
            return False
        return True

    async def cancel(self, account: Name) -> int:
        """Takes the waiting jobs of an account away, and asks those under way to end; returns how many there are."""
        manager = self._app.job_manager
        alive = [*await manager.list_jobs_async(status="todo"), *await manager.list_jobs_async(status="doing")]
        jobs = [job for job in alive if _account(job) == account]
        for job in jobs:
            assert job.id
            await manager.cancel_job_by_id_async(job.id, abort=True)
        return len(jobs)

    async def tidy(self) -> None:
        """Deletes jobs that ended a day ago."""
        try:
            await self._app.job_manager.delete_old_jobs(
                HOURS_KEPT, include_failed=True, include_cancelled=True, include_aborted=True
            )
        except _FAULTS as error:
            raise _unavailable(error) from error


async def defer_all(engine: Engine, jobs: Collection[Due]) -> int:
    """Puts jobs into the queue; returns how many did not wait there already."""
    return sum([await engine.defer(*job) for job in jobs])


def _prepared(url: Secret) -> bool:
    """Makes lost tables; returns whether a pooler is in between, behind which a session hears no notifications."""
    with connected(url) as connection:
        with connection.transaction():
            if require(connection):
                log.info("the queue was made")
        ((backend,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
        return bool(backend != connection.info.backend_pid)


async def _commit_at_once(connection: psycopg.AsyncConnection[Any]) -> None:
    """A worker that froze between a statement and its commit would keep others from what it has locked."""
    await connection.set_autocommit(True)


def _queue(kind: str) -> str:
    """The queue of a kind. Workers of another revision of the schema have others."""
    return f"{kind}@{REVISION}"


def _job(handler: Handler, kind: str) -> Callable[..., Awaitable[None]]:
    async def carry_out(org: str, login: str) -> None:
        await handler(Name(org, login), kind)

    return carry_out


def _account(job: Job) -> Name:
    org, login = (str(job.task_kwargs[part]) for part in Name._fields)
    return Name(org, login)


async def _stop_after(stop: asyncio.Event, worker: Worker) -> None:
    await stop.wait()
    worker.stop()  # type: ignore[no-untyped-call] # Procrastinate leaves it untyped


def _forgive(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """A job whose end cannot be written was ended by others, or the queue is lost: both are expected."""
    if isinstance(context.get("exception"), exceptions.ConnectorException):
        log.debug("the end of a job could not be written: %s", context["exception"])
    else:
        loop.default_exception_handler(dict(context))


def _unavailable(error: Exception) -> DatabaseUnavailable:
    """Our own error for one of the engine, which hides its cause; whoever opens the engine again learns more."""
    if isinstance(error, psycopg.Error):
        try:
            with named_in_errors("The cluster's database", "PYRUS_ETL_CLUSTER_URL"), errors_of(None):
                raise error
        except DatabaseUnavailable as known:
            return DatabaseUnavailable(str(known), is_lost=True)
        except psycopg.Error as unknown:
            return DatabaseUnavailable(f"The queue cannot be used: {unknown}.", is_lost=True)
    return DatabaseUnavailable(
        "The cluster's database does not answer, or its queue is gone; check PYRUS_ETL_CLUSTER_URL.", is_lost=True
    )
