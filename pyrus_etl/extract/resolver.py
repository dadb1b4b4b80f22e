"""Looking up host names without ever waiting for a name server that does not answer."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from aiohttp.abc import AbstractResolver, ResolveResult

T = TypeVar("T")


class Resolver(AbstractResolver):
    """The system's look-up, which nothing can interrupt, in a thread of its own.

    aiohttp's resolver uses the event loop's pool of threads. The loop waits for that pool when it ends, so a name
    server that is silent for a minute would keep the program for as long. Nobody waits for these threads.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in await _in_daemon_thread(look_up)
        ]

    async def close(self) -> None:
        pass


async def _in_daemon_thread(work: Callable[[], T]) -> T:
    """What `work` returns or raises; if the wait is cancelled, the thread ends alone."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        if not answer.done():
            set_outcome()

    def run() -> None:
        try:
            outcome = partial(answer.set_result, work())
        except Exception as error:
            outcome = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name="look-up", daemon=True).start()
    return await answer
