"""A server of the sandbox in a thread of this process, on a loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from aiohttp import web

from pyrus_etl.sandbox.limits.faults import Fault, Faults
from pyrus_etl.sandbox.limits.journal import Journal
from pyrus_etl.sandbox.server.backend import Served
from pyrus_etl.sandbox.server.server import Server

HOST = "127.0.0.1"

S = TypeVar("S", bound=Served)


class CannotListen(OSError):
    """A port is taken or not allowed."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"port {port}: {reason}")
        self.port = port
        self.reason = reason


class Running(Generic[S]):
    """Serves at `url` until the block ends. `faults` and `down` may be set at any time."""

    def __init__(self, backend: S, port: int = 0) -> None:
        self.backend = backend
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    @property
    def url(self) -> str:
        """The origin of the server, for a client's settings."""
        return f"http://{HOST}:{self.port}"

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

    def release(self) -> int:
        """Carries out the requests that a fault made late; returns their number."""
        assert self._loop, "the server is not running"
        return asyncio.run_coroutine_threadsafe(self.backend.injector.late.release(), self._loop).result()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

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
async def listening(backend: Served, host: str, port: int) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port, and sets the addresses that answers name."""
    runner = web.ServerRunner(web.Server(Server(backend).handle, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    try:
        await listen(runner, host, port)
        if backend.files_apart:
            await listen(runner, host, 0)
        origin, *apart = [f"http://{host}:{address[1]}" for address in runner.addresses]
        backend.located(origin, apart[0] if apart else None)
        async with backend.at_work():
            yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def listen(runner: web.ServerRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        raise CannotListen(port, error.strerror or str(error)) from error
