"""Looks at the database: each in a thread of its own, and costly ones once at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pyrus_etl.background import in_background
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.settings import Secret
from pyrus_etl.settings.retry import STANDARD

T = TypeVar("T")


async def look(url: Secret, read: Callable[[Connection], T], within: float = STANDARD.connect_database) -> T:
    """What `read` finds. Raises DatabaseUnavailable, also if it cannot connect `within` seconds.

    The thread does not keep the process from ending.
    """

    def work() -> T:
        with connect(url, within) as connection:
            require_schema(connection)
            return read(connection)

    return await asyncio.wrap_future(in_background(work, "look"))


async def glance(url: Secret, read: Callable[[Connection], T], within: float) -> T:
    """The same for queries that must not take long; raises DatabaseUnavailable after `within` seconds."""

    def limited(connection: Connection) -> T:
        with connection.transaction():
            limit = f"{within * 1000:.0f}"
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
            return read(connection)

    try:
        return await asyncio.wait_for(look(url, limited, within), within)
    except TimeoutError:
        raise DatabaseUnavailable(f"The database has not answered for {within:g} seconds; look at its load.") from None


class Shared(Generic[T]):
    """Does costly work once at a time, for all who ask meanwhile. An answer is never older than its question."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._under_way: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._under_way))
        return await asyncio.shield(self._next)

    async def _after(self, under_way: "asyncio.Task[T] | None") -> T:
        """Waits for the work that began before the question, and then does it again."""
        if under_way:
            await asyncio.wait({under_way})
        self._under_way, self._next = self._next, None
        return await self._work()
