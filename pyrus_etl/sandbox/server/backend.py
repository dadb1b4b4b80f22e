"""The state behind the server: the organisation, and everything that counts, limits or fails its requests."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from aiohttp import web

from pyrus_etl.sandbox.answers import Answer, Refused
from pyrus_etl.sandbox.limits.faults import FaultInjector, Faults
from pyrus_etl.sandbox.limits.journal import Journal
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.limits.quota import Quota
from pyrus_etl.sandbox.limits.tokens import Tokens
from pyrus_etl.sandbox.organisation.clock import Clock
from pyrus_etl.sandbox.server.control import obey
from pyrus_etl.sandbox.server.webhooks import Webhooks
from pyrus_etl.sandbox.v3.api import Restapi
from pyrus_etl.sandbox.v3.lists import Lists
from pyrus_etl.sandbox.v4.api import ApiV4
from pyrus_etl.sandbox.world.world import World


class Api(Protocol):
    """Finds the endpoint of a request, "" if there is none, and answers it."""

    def endpoint(self, method: str, path: str) -> tuple[str, str]: ...

    def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Coroutine[Any, Any, Answer]: ...

    def refusal(self, refused: Refused, /) -> Answer: ...


class Served(Protocol):
    """What a server needs: an API for each path, and everything that counts, limits or fails its requests."""

    injector: FaultInjector
    journal: Journal
    quota: Quota | None

    @property
    def clock(self) -> Clock: ...

    @property
    def gzip(self) -> bool: ...

    @property
    def files_apart(self) -> bool: ...

    def api(self, path: str) -> Api: ...

    def located(self, origin: str, files_origin: str | None) -> None:
        """Sets the addresses that answers name."""

    def at_work(self) -> AbstractAsyncContextManager[None]:
        """What is done beside answering, during the block."""

    def obey(self, method: str, command: str, body: bytes) -> Answer:
        """Runs a command of the sandbox's own."""


class Backend:
    """The state of one running sandbox."""

    world: World
    journal: Journal
    tokens: Tokens

    def __init__(self, world: World, options: Options, faults: Faults) -> None:
        self.world = world
        self.injector = FaultInjector(faults)
        self.journal = Journal(options.keep_ids)
        self.tokens = Tokens(options, world.clock)
        self.webhooks = Webhooks(world, options, self.tokens)
        self.options = options
        self.configure(options)

    def configure(self, options: Options) -> None:
        """Applies `options` from now on. Tokens and the journal stay; the quota starts again."""
        self.options = self.tokens.options = self.webhooks.options = options
        self.quota = Quota(*options.quota) if options.quota else None
        self.restapi = Restapi(self.world, Lists(self.world, options), self.tokens, self.journal)
        self.v4 = ApiV4(self.world, options, self.tokens, self.journal)

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def gzip(self) -> bool:
        return self.options.gzip

    @property
    def files_apart(self) -> bool:
        return self.options.files_apart

    def located(self, origin: str, files_origin: str | None) -> None:
        self.world.origin, self.world.files_origin = origin, files_origin

    def at_work(self) -> AbstractAsyncContextManager[None]:
        return self.webhooks.sending()

    def obey(self, method: str, command: str, body: bytes) -> Answer:
        return obey(self, method, command, body)

    def api(self, path: str) -> Restapi | ApiV4:
        """The API that a path belongs to, unless only the other one is served."""
        is_v4 = self.options.api == "v4" or (self.options.api == "both" and self.v4.owns(path))
        return self.v4 if is_v4 else self.restapi
