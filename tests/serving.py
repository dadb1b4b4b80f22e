"""`pyrus-etl serve` in a thread of the test: the real process, except that a call stops it and not a signal."""

import asyncio
import threading
from datetime import timedelta
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from pyrus_etl.errors import Stopped
from pyrus_etl.serve.http import Address
from pyrus_etl.serve.process import serve
from pyrus_etl.serve.schedule import Schedule
from pyrus_etl.settings import Settings
from pyrus_etl.sync.stop import Stop

HOURLY = Schedule(every=timedelta(hours=1))
OFTEN = Schedule(every=timedelta(seconds=1))
"""A run must end within three intervals, or `/readyz` is right to say that the data is old: the machine may be busy."""


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Serving:
    """`with Serving(settings) as served: served.get("/healthz")`."""

    def __init__(self, settings: Settings, schedule: Schedule = HOURLY, **options: Any) -> None:
        self._work = (settings, schedule, Address("127.0.0.1", 0))
        self._options = options
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.ask, Stopped(15))
        self._thread.join()
        if self._failure and not error:
            raise self._failure

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, headers=headers)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Asks over a connection of its own."""
        connection = HTTPConnection(self.address.host, self.address.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers.items()), answer.read())
        finally:
            connection.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), Stop()
        settings, schedule, address = self._work
        await serve(settings, schedule, address, stop=self._stop, ready=self._ready, **self._options)

    def _ready(self, address: Address) -> None:
        self.address = address
        self._listening.set()
