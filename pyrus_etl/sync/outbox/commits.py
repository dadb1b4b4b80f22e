"""Small commits of many coroutines, gathered into few transactions: each commit waits for the disk."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store

T = TypeVar("T")
Work = Callable[[Connection], Any]


class Commits:
    """What is asked for while a transaction is under way shares the next one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def made(self, work: Callable[[Connection], T]) -> T:
        """Does the work in a transaction, and returns its answer once that is committed.

        The work must be safe to repeat. Raises what `Store.transaction` raises; an error of one work is that of all in
        its transaction.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, answer))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())
        return await answer

    async def _commit(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            try:
                answers = await self._store.transaction(_all, [work for work, _ in together])
            except Exception as error:
                for _, answer in together:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for (_, answer), found in zip(together, answers, strict=True):
                    if not answer.done():
                        answer.set_result(found)


def _all(connection: Connection, works: Sequence[Work]) -> list[Any]:
    return [work(connection) for work in works]
