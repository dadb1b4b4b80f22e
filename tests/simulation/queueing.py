"""Work of the queue on its database, which psycopg does with the loop: a process does it between two steps."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import psycopg_pool.base
import psycopg_pool.pool_async
import psycopg_pool.sched_async
from psycopg import AsyncConnection, waiting
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.cluster import database, engine, looks
from pyrus_etl.sync import unopened
from tests.simulation.life import at_work_now
from tests.simulation.passing import Time

T = TypeVar("T")


@contextmanager
def queueing(clock: Time) -> Iterator[None]:
    """For the block, processes can have a queue."""
    connect, prepared = AsyncConnection.connect.__func__, engine._prepared  # type: ignore[attr-defined]

    async def connect_in_turn(cls: Any, conninfo: str = "", /, **given: Any) -> Any:
        process = at_work_now()
        process.check_alive()
        process.reach(str(conninfo_to_dict(conninfo)["dbname"]))
        connection = await connect(cls, conninfo, **given)
        process.opened(connection)
        return connection

    with ExitStack() as put:
        for module in (database, engine, looks, unopened):
            put.enter_context(patch.object(module, "in_background", _in_turn))
        for module in (psycopg_pool.base, psycopg_pool.pool_async, psycopg_pool.sched_async):
            put.enter_context(patch.object(module, "monotonic", clock.now))
        put.enter_context(patch.object(AsyncConnection, "wait", _wait))
        put.enter_context(patch.object(waiting, "wait_conn_async", _wait_to_connect))
        put.enter_context(patch.object(AsyncConnection, "connect", classmethod(connect_in_turn)))
        put.enter_context(patch.object(engine, "_prepared", lambda url: prepared(url) or True))  # then it polls
        yield


def _in_turn(work: Callable[[], T], name: str) -> "Future[T]":
    return at_work_now().submit(work)


async def _wait(connection: AsyncConnection, gen: Any, *_: Any, **__: Any) -> Any:
    process, fileno = at_work_now(), connection.pgconn.socket
    return await asyncio.wrap_future(
        process.submit(lambda: process.wait(connection, gen, lambda gen: waiting.wait(gen, fileno, 0.1)))
    )


async def _wait_to_connect(gen: Any, interval: float = 0.0, timeout: float | None = None) -> Any:
    return await asyncio.wrap_future(at_work_now().submit(lambda: waiting.wait_conn(gen, interval, timeout)))
