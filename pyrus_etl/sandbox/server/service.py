"""A file service beside Pyrus: what its server counts, limits and fails, and the commands that change its world."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from pyrus_etl.sandbox.answers import Answer
from pyrus_etl.sandbox.limits.faults import FaultInjector, Faults
from pyrus_etl.sandbox.limits.journal import Journal
from pyrus_etl.sandbox.limits.quota import Quota
from pyrus_etl.sandbox.organisation.clock import Clock, moment
from pyrus_etl.sandbox.server.backend import Api
from pyrus_etl.sandbox.server.control import OF_ANY_SERVER, run

Json = dict[str, Any]


class ServiceWorld:
    """What the world of every file service has: numbered things, a clock that each change moves on, and its addresses.

    `first_ids`: kind → the number before the first. `forbidden`: projects of which everything is refused with 403; they
    are still listed. `leaks` counts the requests that sent a key to the links' own host.
    """

    changes: tuple[str, ...] = ()

    def __init__(self, clock: Clock, first_ids: Mapping[str, int]) -> None:
        self.clock = clock
        self.tables: dict[str, dict[Any, Json]] = {kind: {} for kind in first_ids}
        self.forbidden: set[int] = set()
        self._last = dict(first_ids)
        self.origin = "http://127.0.0.1:8080"
        self.files_origin: str | None = None
        self.leaks = 0

    def tick(self) -> int:
        """The instant of a change: a second after the one before."""
        return self.clock.advance(1)

    def counts(self) -> dict[str, int]:
        """The number of things by kind."""
        return {kind: len(table) for kind, table in self.tables.items()}

    def ids(self, kind: str) -> list[Any]:
        return list(self.tables[kind])

    def forbid(self, project_id: int) -> None:
        self.forbidden.add(project_id)

    def permit(self, project_id: int) -> None:
        self.forbidden.discard(project_id)

    def next_id(self, kind: str) -> int:
        self._last[kind] += 1
        return self._last[kind]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The options that all file services have.

    quota        (5, 5) allows 5 requests per 5 seconds, in fixed windows of real time
    files_apart  links to contents lead to a second port, which refuses a request with the API's key
    gzip         compress answers if the client accepts gzip
    """

    quota: tuple[int, float] | None = None
    files_apart: bool = True
    gzip: bool = True


class Service:
    """The state of one running file service."""

    def __init__(
        self, world: ServiceWorld, api: Api, limits: Limits, quota: Quota | None, faults: Faults | None
    ) -> None:
        self.world = world
        self.limits = limits
        self.quota = quota
        self.injector = FaultInjector(faults or Faults())
        self.journal = Journal(keep_ids=0)
        self._api = api

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def gzip(self) -> bool:
        return self.limits.gzip

    @property
    def files_apart(self) -> bool:
        return self.limits.files_apart

    def api(self, path: str) -> Api:
        return self._api

    def located(self, origin: str, files_origin: str | None) -> None:
        self.world.origin, self.world.files_origin = origin, files_origin

    def at_work(self) -> AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()

    def obey(self, method: str, command: str, body: bytes) -> Answer:
        """`GET state` and `requests`; `POST advance`, the faults of any sandbox, and the changes of the world."""
        if method == "GET":
            return run({"state": state, "requests": requests}.get(command), self, command, body)
        if command in self.world.changes:
            return run(change(command.replace("-", "_")), self, command, body)
        return run({"advance": advance, **OF_ANY_SERVER}.get(command), self, command, body)


def state(service: Service, arguments: Json) -> Json:
    faults, down = service.injector.faults, service.injector.down
    now, leaks = moment(service.clock.now()).isoformat(), service.world.leaks
    return {"now": now, **service.world.counts(), "leaks": leaks, "faults": faults, "down": down}


def requests(service: Service, arguments: Json) -> Json:
    return service.journal.summary()


def advance(service: Service, arguments: Json) -> None:
    service.clock.advance(float(arguments["seconds"]))


def change(name: str) -> Callable[[Service, Json], Any]:
    """The method of the world with this name; the arguments are its parameters."""
    return lambda service, arguments: getattr(service.world, name)(**arguments)
