"""Several lists that are read side by side."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

at_work = set[asyncio.Task[None]]()
"""Keeps readers alive: if an error ends the caller in the middle, they may be garbage before they are cancelled."""


class _Read(NamedTuple, Generic[T]):
    """A part of a list, and what is set when the caller is done with it."""

    part: T
    done: asyncio.Event


async def together(lists: Iterable[AsyncIterator[T]], most: int) -> AsyncIterator[T]:
    """Yields what the lists yield, as it comes; at most this many are read at a time. The first error ends them all.

    A list goes on when the caller is done with its last part, so no more than `most` parts exist at once.
    """
    waiting = iter(lists)
    parts: asyncio.Queue[_Read[T] | BaseException | None] = asyncio.Queue()

    async def read() -> None:
        try:
            for each in waiting:
                async for part in each:
                    done = asyncio.Event()
                    parts.put_nowait(_Read(part, done))
                    del part
                    await done.wait()
        except BaseException as error:
            parts.put_nowait(error)
            raise
        parts.put_nowait(None)

    readers = [asyncio.create_task(read()) for _ in range(most)]
    for reader in readers:
        at_work.add(reader)
        reader.add_done_callback(at_work.discard)
    try:
        for _ in readers:
            while (arrived := await parts.get()) is not None:
                if isinstance(arrived, BaseException):
                    raise arrived
                yield arrived.part
                arrived.done.set()
                del arrived
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
