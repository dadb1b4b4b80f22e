"""Several lists that are read side by side."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(lists: Iterable[AsyncIterator[T]], most: int) -> AsyncIterator[T]:
    """Yields what the lists yield, as it comes; at most this many are read at a time. The first error ends them all.

    Each waits until its last part is taken, so little is held.
    """
    waiting, parts = iter(lists), asyncio.Queue[T | BaseException | None](1)

    async def read() -> None:
        try:
            for each in waiting:
                async for part in each:
                    await parts.put(part)
        except BaseException as error:
            await parts.put(error)
            raise
        await parts.put(None)

    readers = [asyncio.create_task(read()) for _ in range(most)]
    try:
        ended = 0
        while ended < len(readers):
            part = await parts.get()
            if isinstance(part, BaseException):
                raise part
            if part is None:
                ended += 1
            else:
                yield part
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
