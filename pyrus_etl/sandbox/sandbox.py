"""A sandbox in this process: a server in its own thread, on a free loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from aiohttp import web

from .backend import Backend
from .faults import Fault, Faults
from .journal import Journal
from .options import Options
from .server import Server
from .world import World

HOST = "127.0.0.1"


class Sandbox:
    """`with Sandbox(World(seed=7), cap=100) as sandbox: …` serves at `sandbox.url` until the block ends.

    The keyword arguments are the fields of `Options`. `faults` and `down` may be set at any time.
    """

    def __init__(self, world: World, *, port: int = 0, faults: Faults | None = None, **options: Any) -> None:
        self.world = world
        self.port = port
        self.backend = Backend(world, Options(**options), faults or Faults())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Sandbox:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *exc: object) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """The origin of the server, for a client's settings."""
        return f"http://{HOST}:{self.port}"

    @property
    def options(self) -> Options:
        return self.backend.options

    @property
    def requests(self) -> Journal:
        return self.backend.journal

    @property
    def faults(self) -> Faults:
        return self.backend.injector.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.backend.injector.change(faults)

    @property
    def down(self) -> bool:
        return self.backend.injector.down

    @down.setter
    def down(self, down: bool) -> None:
        self.backend.injector.down = down

    @property
    def overruns(self) -> int:
        """Requests refused because the quota was used up."""
        return self.backend.quota.overruns if self.backend.quota else 0

    def fail(self, count: int, kind: Fault, endpoint: str | None = None) -> None:
        """Makes the next `count` requests (to `endpoint`, if given) fail in this way."""
        self.backend.injector.fail_next(count, kind, endpoint)

    def token(self) -> str:
        """Issues a token without a login."""
        return self.backend.tokens.issue()

    def revoke_tokens(self) -> None:
        """Refuses all tokens issued so far from now on."""
        self.backend.tokens.revoke_all()

    def reconfigure(self, **options: Any) -> None:
        """Changes options from the next request on; the quota starts again."""
        self.backend.configure(msgspec.structs.replace(self.backend.options, **options))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with listening(self.backend, HOST, self.port) as self.port:
            self._ready.set()
            await self._stop.wait()


@contextlib.asynccontextmanager
async def listening(backend: Backend, host: str, port: int) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port, and sets the origin of the files' URLs."""
    served = web.Server(Server(backend).handle, access_log=None)
    runner = web.ServerRunner(served, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        bound = int(runner.addresses[0][1])
        backend.world.origin = f"http://{host}:{bound}"
        if backend.options.files_apart:
            await web.TCPSite(runner, host, 0).start()
            backend.world.files_origin = f"http://{host}:{runner.addresses[1][1]}"
        yield bound
    finally:
        await runner.cleanup()


def serve(
    world: World,
    *,
    host: str = HOST,
    port: int = 8080,
    grow: float = 0.0,
    faults: Faults | None = None,
    ready: Callable[[str], None] | None = None,
    **options: Any,
) -> None:
    """Serves until SIGINT or SIGTERM, with `grow` changes per minute; calls `ready` with the origin."""
    backend = Backend(world, Options(**options), faults or Faults())
    asyncio.run(serving(backend, host, port, grow, ready))


async def serving(backend: Backend, host: str, port: int, grow: float, ready: Callable[[str], None] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with listening(backend, host, port) as bound:
        growing = asyncio.create_task(growth(backend.world, grow))
        if ready:
            ready(f"http://{host}:{bound}")
        await stop.wait()
        growing.cancel()


async def growth(world: World, grow: float) -> None:
    """Makes `grow` changes per minute until it is cancelled."""
    while grow > 0:
        await asyncio.sleep(60 / grow)
        world.live(0.0, changes=1)
