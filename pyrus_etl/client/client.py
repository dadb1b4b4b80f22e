"""HTTP requests with a token, a pace and retries; JSON bytes come out.

The token is sent only to the origin in the settings. Redirects are not followed; no other address is contacted.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

import aiohttp
import msgspec

from pyrus_etl.client.allowance import Allowance
from pyrus_etl.client.clock import Clocks, ServerClock
from pyrus_etl.client.failures import failure_of
from pyrus_etl.client.limits import pause_when_exhausted
from pyrus_etl.client.masking import masked
from pyrus_etl.client.meaning import Again, QuotaSpent, TokenRefused, Unreadable, body_of, is_complaint
from pyrus_etl.client.pace import Pace
from pyrus_etl.client.proxy import proxy_for
from pyrus_etl.client.retry import retried
from pyrus_etl.client.token import Token
from pyrus_etl.client.transport import Body, Sieve, read_body, session_for
from pyrus_etl.client.waits import Announce, log_wait
from pyrus_etl.errors import LoginRefused, PyrusUnreachable
from pyrus_etl.settings import Secret, Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

LOGINS_PER_REQUEST = 4


class Request(NamedTuple, Generic[T]):
    """A request and the reader of its answer; see `Client.call`.

    `sieve` removes complete parts from the body while it arrives, so an answer of any length is read in little memory;
    `read` gets the rest. `tries`: at most how often the request is sent if the answers are faulty; None: as any other.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    json: Any = None
    sieve: Sieve | None = None
    tries: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Dated(NamedTuple, Generic[T]):
    """The content of an answer, and the server's time; `sha256` is of its body as served."""

    value: T
    date: datetime
    sha256: str


Ask = Callable[[Request[str]], Awaitable[str]]
"""Sends a request without a token, with the same retries as any other."""
Login = Callable[[Ask, Settings], Awaitable[Secret]]
"""Logs in to the API and returns the token; the folder of the API provides it."""


class Client:
    """Open it with `async with`. `login` gets a token when one is needed; `requests` and `retries` are counters.

    After `most_requests` requests, each further one raises BudgetSpent; requests in flight are completed. Long waits
    for the quota are announced.
    """

    def __init__(
        self, settings: Settings, login: Login, most_requests: int | None = None, announce: Announce = log_wait
    ) -> None:
        self._settings = settings
        self._allowance = Allowance(most_requests)
        by_login = settings.security_key and not settings.access_token  # a given token is used instead of a login
        self._token = Token(settings.access_token, partial(login, self._without_token, settings) if by_login else None)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self.pace = Pace(settings.quota, announce, settings.waits.quota)
        self._clock = ServerClock()
        self.requests = 0
        self.retries = 0

    async def __aenter__(self) -> Self:
        self._proxy = proxy_for(self._settings.url)
        self._session = session_for(self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def server_time(self) -> datetime:
        """The server's clock as of its last answer (`Date`), to the second; our clock if no answer had a date."""
        return self._clock.now

    @property
    def start(self) -> Clocks:
        """The start of the run: the earliest `Date` of any answer."""
        return self._clock.start

    async def call(self, request: Request[T]) -> T:
        """Sends the request and returns the answer as read by `request.read`; see `dated`."""
        return (await self.dated(request)).value

    async def dated(self, request: Request[T]) -> Dated[T]:
        """Sends the request, several times if necessary; returns the answer as read, and the server's time.

        `request.read` raises msgspec.DecodeError if the body is not JSON: it may be cut short, so it is tried again. It
        raises msgspec.ValidationError if the JSON is of another kind, which is final and passed on.
        Raises Refused (AccessDenied for 403 and 404, Redirected for 3xx), LoginRefused, and when all tries are spent
        Again, or PyrusUnreachable if no server answered.
        """
        return await self._with_retries(request, partial(self._authorized, request))

    async def _without_token(self, request: Request[str]) -> str:
        """Sends a request that needs no token: the login."""
        return (await self._with_retries(request, partial(self._send, request))).value

    async def _with_retries(self, request: Request[T], send: Callable[[], Awaitable[Dated[T]]]) -> Dated[T]:
        """Sends the request, and again after a fault."""
        send = partial(self._within_quota, send)
        try:
            return await retried(send, self._settings.waits, request.tries, self._allowance.sleep, self._count_retry)
        except Again as error:
            if error.reached:
                raise
            raise PyrusUnreachable(
                f"{self._settings.url} {request} kept failing after all retries, last with: {error}; then try again."
            ) from error

    async def _within_quota(self, send: Callable[[], Awaitable[Dated[T]]]) -> Dated[T]:
        """Sends the request as soon as the server's quota allows it. A wait for the quota is not a failed try."""
        while True:
            try:
                return await send()
            except QuotaSpent as refusal:
                self.retries += 1
                self.pace.hold.refused(refusal.after)

    async def _authorized(self, request: Request[T]) -> Dated[T]:
        refused = ""
        for _ in range(LOGINS_PER_REQUEST):
            token = await self._token.current()
            try:
                answer = await self._send(request, token)
            except TokenRefused as error:
                refused = str(error)
                await self._token.renew(token, refused)
            else:
                self._token.accepted(token)
                return answer
        raise LoginRefused(
            f"Pyrus keeps refusing {request} after fresh logins: {refused}; check what this account may do."
        )

    async def _send(self, request: Request[T], token: Secret | None = None) -> Dated[T]:
        """Sends one request. Slots are first come, first served, so a list is not starved by tasks."""
        self._allowance.take()
        async with self._slots, self.pace:
            self.requests += 1
            response, (body, sha256) = await self._exchange(request, token)
        date = self._note(response)
        if is_complaint(response.status, body):
            body = self._without_secrets(body, token)
        try:
            return Dated(request.read(body_of(response.status, response.headers, body)), date, sha256)
        except Unreadable as error:
            error.body = self._without_secrets(error.body, token)
            raise
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError as error:
            raise Again(f"a body that is not JSON ({error})", body=self._without_secrets(body, token)) from error

    async def _exchange(self, request: Request[T], token: Secret | None) -> tuple[aiohttp.ClientResponse, Body]:
        """Sends the request over the network; raises Again or PyrusUnreachable if no answer comes back."""
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        route: dict[str, Any] = {}
        if self._proxy:
            route = {"proxy": self._proxy.url, "proxy_headers": self._proxy.headers}
        try:
            async with self._session.request(
                request.method, request.path, headers=headers, json=request.json, allow_redirects=False, **route
            ) as response:
                return response, await read_body(response, request.sieve if response.status == 200 else None)
        except msgspec.ValidationError:  # a ValueError too; raised by the sieve, and final
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = failure_of(error, self._settings.url, self._proxy)
        raise failure  # not `from error`: that holds our token and the proxy's password

    def _note(self, response: aiohttp.ClientResponse) -> datetime:
        """Records the quota and the clock that an answer reports; returns the server's time."""
        if response.status < 500 and response.status != 429:
            self.pace.hold.answered(pause_when_exhausted(response.headers))
        return self._clock.note(response.headers.get("Date", ""))

    def _without_secrets(self, body: bytes, token: Secret | None) -> bytes:
        """The body with our secrets masked; an error page may echo them."""
        return masked(body, token, self._settings.security_key, *(self._proxy.secrets if self._proxy else ()))

    def _count_retry(self, failure: Again) -> None:
        self.retries += 1
        log.debug("trying again: %s", failure)
