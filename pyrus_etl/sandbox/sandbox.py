"""A simulated Pyrus in this process: a server in its own thread, on a free loopback port; or until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import msgspec

from pyrus_etl.sandbox.limits.faults import Faults
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.server.backend import Backend, Served
from pyrus_etl.sandbox.server.running import HOST, Running, listening
from pyrus_etl.sandbox.world.world import World


class Sandbox(Running[Backend]):
    """`with Sandbox(World(seed=7), cap=100) as sandbox: …` serves at `sandbox.url` until the block ends.

    The keyword arguments are the fields of `Options`.
    """

    def __init__(self, world: World, *, port: int = 0, faults: Faults | None = None, **options: Any) -> None:
        super().__init__(Backend(world, Options(**options), faults or Faults()), port)
        self.world = world

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def options(self) -> Options:
        return self.backend.options

    def token(self) -> str:
        """Issues a token without a login."""
        return self.backend.tokens.issue()

    def revoke_tokens(self) -> None:
        """Refuses all tokens issued so far from now on."""
        self.backend.tokens.revoke_all()

    def reconfigure(self, **options: Any) -> None:
        """Changes options from the next request on; the quota starts again."""
        self.backend.configure(msgspec.structs.replace(self.backend.options, **options))


def serve(
    world: World,
    *,
    host: str = HOST,
    port: int = 8080,
    grow: float = 0.0,
    faults: Faults | None = None,
    ready: Callable[..., None] | None = None,
    beside: Sequence[tuple[Served, int]] = (),
    **options: Any,
) -> None:
    """Serves until SIGINT or SIGTERM, with `grow` changes per minute; calls `ready` with the origins.

    `beside` are further servers with their ports. A port that is taken raises CannotListen.
    """
    backend = Backend(world, Options(**options), faults or Faults())
    asyncio.run(serving([(backend, port), *beside], host, partial(growth, world, grow), ready))


async def serving(
    servers: Sequence[tuple[Served, int]],
    host: str,
    changes: Callable[[], Coroutine[Any, Any, None]],
    ready: Callable[..., None] | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with contextlib.AsyncExitStack() as stack:
        ports = [await stack.enter_async_context(listening(served, host, port)) for served, port in servers]
        growing = asyncio.create_task(changes())
        if ready:
            ready(*(f"http://{host}:{port}" for port in ports))
        await stop.wait()
        growing.cancel()


async def growth(world: World, grow: float) -> None:
    """Makes `grow` changes per minute until it is cancelled."""
    while grow > 0:
        await asyncio.sleep(60 / grow)
        world.live(0.0, changes=1)
