"""HTTP to Pyrus: the token, the pace and the retries; JSON bytes out.

The token goes to the origin of the settings only: no redirect is followed, no other address is ever asked.
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
import tenacity

from pyrus_etl.client.allowance import Allowance
from pyrus_etl.client.clock import Clocks, ServerClock
from pyrus_etl.client.failures import failure_of
from pyrus_etl.client.limits import pause_when_exhausted
from pyrus_etl.client.masking import masked
from pyrus_etl.client.meaning import Again, QuotaSpent, TokenRefused, Unreadable, body_of, is_complaint
from pyrus_etl.client.pace import Pace
from pyrus_etl.client.proxy import proxy_for
from pyrus_etl.client.retry import ATTEMPTS, after_faults, resumed
from pyrus_etl.client.token import Token
from pyrus_etl.client.transport import Body, Sieve, read_body, session_for
from pyrus_etl.client.waits import Announce, log_wait
from pyrus_etl.errors import LoginRefused, PyrusUnreachable
from pyrus_etl.settings import Secret, Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

LOGINS_PER_REQUEST = 4


class Request(NamedTuple, Generic[T]):
    """What is asked, and what makes something of the answer; see `Client.call`.

    The `sieve` takes out of the body what it can while it arrives, so that an answer of any length is read in little
    memory; `read` has what is left. `tries`: how often it is sent at most, if the answers are faulty.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    json: Any = None
    sieve: Sieve | None = None
    tries: int = ATTEMPTS

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Dated(NamedTuple, Generic[T]):
    """What an answer said, and when by the server's clock; `sha256` is of its body as served."""

    value: T
    date: datetime
    sha256: str


Ask = Callable[[Request[str]], Awaitable[str]]
"""Sends a request without a token, as patiently as any other."""
Login = Callable[[Ask, Settings], Awaitable[Secret]]
"""Logs in to the API and returns the token; the API's folder brings it."""


class Client:
    """Open it with `async with`; `login` gets a token when one is needed. `requests` and `retries` count what was sent.

    After `most_requests` of them each further one raises BudgetSpent; those under way come to their end. Long waits for
    the quota are announced.
    """

    def __init__(
        self, settings: Settings, login: Login, most_requests: int | None = None, announce: Announce = log_wait
    ) -> None:
        self._settings = settings
        self._allowance = Allowance(most_requests)
        by_login = settings.security_key and not settings.access_token  # a given token is used in place of a login
        self._token = Token(settings.access_token, partial(login, self._without_token, settings) if by_login else None)
        self._places = asyncio.Semaphore(settings.concurrency)
        self.pace = Pace(settings.quota, announce)
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
        """The server's clock as of its last answer (`Date`), to the second; ours where it tells none."""
        return self._clock.now

    @property
    def start(self) -> Clocks:
        """The start of the run: the earliest instant that an answer said."""
        return self._clock.start

    async def call(self, asked: Request[T]) -> T:
        """What `asked.read` makes of the answer's body; see `dated`."""
        return (await self.dated(asked)).value

    async def dated(self, asked: Request[T]) -> Dated[T]:
        """What `asked.read` makes of the answer's body and the server's time of it, tried again until there is one.

        It raises msgspec.DecodeError for a body that is no JSON (tried again: it may be cut short) and
        msgspec.ValidationError for JSON of another kind (final). Raises Refused (AccessDenied for 403 and 404,
        Redirected for 3xx), LoginRefused, and when all tries are spent Again, PyrusUnreachable where nobody answered.
        """
        return await self._patiently(asked, partial(self._authorized, asked))

    async def _without_token(self, asked: Request[str]) -> str:
        """The answer to a request that needs no token: the login."""
        return (await self._patiently(asked, partial(self._send, asked))).value

    async def _patiently(self, asked: Request[T], send: Callable[[], Awaitable[Dated[T]]]) -> Dated[T]:
        """The answer, after some tries if the first one fails."""
        send = partial(self._within_quota, send)
        try:
            return await send()
        except Again as failure:
            first = failure
        try:
            return await after_faults(self._count_retry, asked.tries, self._allowance.sleep)(resumed(send, first))
        except Again as error:
            if error.reached:
                raise
            raise PyrusUnreachable(
                f"{self._settings.url} {asked} kept failing after all retries, last with: {error}; "
                "check PYRUS_URL and the network, then try again."
            ) from error

    async def _within_quota(self, send: Callable[[], Awaitable[Dated[T]]]) -> Dated[T]:
        """The answer, as soon as the server's quota allows it; to wait for that is no fault and no failed try."""
        while True:
            try:
                return await send()
            except QuotaSpent as refusal:
                self.retries += 1
                self.pace.hold.refused(refusal.after)

    async def _authorized(self, asked: Request[T]) -> Dated[T]:
        refused = ""
        for _ in range(LOGINS_PER_REQUEST):
            token = await self._token.current()
            try:
                answer = await self._send(asked, token)
            except TokenRefused as error:
                refused = str(error)
                await self._token.renew(token, refused)
            else:
                self._token.accepted(token)
                return answer
        raise LoginRefused(
            f"Pyrus keeps refusing {asked} after fresh logins: {refused}; check what this account may do."
        )

    async def _send(self, asked: Request[T], token: Secret | None = None) -> Dated[T]:
        """One request and its answer; whoever waits for a place gets one in turn, a list among many tasks too."""
        self._allowance.take()
        async with self._places, self.pace:
            self.requests += 1
            response, (body, sha256) = await self._exchange(asked, token)
        date = self._note(response)
        if is_complaint(response.status, body):
            body = self._without_secrets(body, token)
        try:
            return Dated(asked.read(body_of(response.status, response.headers, body)), date, sha256)
        except Unreadable as error:
            error.body = self._without_secrets(error.body, token)
            raise
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError as error:
            raise Again(f"a body that is no JSON ({error})", body=self._without_secrets(body, token)) from error

    async def _exchange(self, asked: Request[T], token: Secret | None) -> tuple[aiohttp.ClientResponse, Body]:
        """What comes back; raises Again or PyrusUnreachable if nothing does."""
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        way: dict[str, Any] = {}
        if self._proxy:
            way = {"proxy": self._proxy.url, "proxy_headers": self._proxy.headers}
        try:
            async with self._session.request(
                asked.method, asked.path, headers=headers, json=asked.json, allow_redirects=False, **way
            ) as response:
                return response, await read_body(response, asked.sieve if response.status == 200 else None)
        except msgspec.ValidationError:  # a ValueError too; of the sieve, and final
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = failure_of(error, self._settings.url, self._proxy)
        raise failure  # not from the error, which holds our token and the proxy's password

    def _note(self, response: aiohttp.ClientResponse) -> datetime:
        """Keeps what every answer says about the quota and the server's clock; returns the server's time."""
        if response.status < 500 and response.status != 429:
            self.pace.hold.answered(pause_when_exhausted(response.headers))
        return self._clock.note(response.headers.get("Date", ""))

    def _without_secrets(self, body: bytes, token: Secret | None) -> bytes:
        """What is to be shown or kept of an answer that is none, though it repeat what we sent."""
        return masked(body, token, self._settings.security_key, *(self._proxy.secrets if self._proxy else ()))

    def _count_retry(self, state: tenacity.RetryCallState) -> None:
        self.retries += 1
        log.debug("trying again: %s", state.outcome.exception() if state.outcome else None)
