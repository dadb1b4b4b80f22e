"""An event loop in a thread of its own: what is served there never waits for a long step of the caller's loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from pyrus_etl.background import in_background

T = TypeVar("T")


@asynccontextmanager
async def aside(block: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """Enters a block on another loop, and leaves it there at the end. Yields what it yields, raises what it raises.

    The thread does not keep the process from ending.
    """
    entered: Future[tuple[T, Callable[[], object]]] = Future()

    async def stay() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        async with block() as value:
            entered.set_result((value, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    def work() -> None:
        try:
            asyncio.run(stay())
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    ended = asyncio.wrap_future(in_background(work, "aside"))
    value, leave = await asyncio.wrap_future(entered)
    try:
        yield value
    finally:
        if not ended.done():
            leave()
        await ended
