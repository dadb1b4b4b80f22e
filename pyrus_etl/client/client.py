"""HTTP requests with a token, a pace and retries: a request is sent until the meaning of its answer is final.

The token is sent only to the origin in the settings, and to those that a login adds. Redirects are followed for files
only; nothing else is asked of another address.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from yarl import URL

from pyrus_etl.client.clock import Clocks
from pyrus_etl.client.dialect import ApiError, Dialect
from pyrus_etl.client.meaning import Again, Failure, QuotaSpent, Refused, TokenRefused
from pyrus_etl.client.network.file import NO_HEADERS, Download, Wanted, followed
from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.client.quota.waits import Announce, log_wait
from pyrus_etl.client.request import Answer, Grant, Request
from pyrus_etl.client.retry import Tries
from pyrus_etl.client.sender import Sender
from pyrus_etl.client.token import Token
from pyrus_etl.errors import LoginRefused, PyrusUnreachable
from pyrus_etl.settings import Secret, Settings

log = logging.getLogger(__name__)
T = TypeVar("T")
A = TypeVar("A")

LOGINS_PER_REQUEST = 4

Ask = Callable[[Request[Any]], Awaitable[Answer[Any] | Failure]]
"""Sends a request without a token, with the same retries as any other."""
Login = Callable[[Ask, Settings], Awaitable[Secret | Grant]]
"""Logs in to the API and returns the token, perhaps with addresses; the folder of the API provides it."""
Send = Callable[[Secret | None], Awaitable[A | QuotaSpent | Failure]]
"""Sends a request once, with the token if there is one."""


class LoggedIn(NamedTuple):
    """A token, None before the first login, and the addresses that the login named."""

    token: Secret | None
    address: str
    others: tuple[str, ...]


class Client:
    """Open it with `async with`. `login` gets a token when one is needed; `requests` and `retries` are counters.

    After `most_requests` requests, each further one raises BudgetSpent; requests in flight are completed. Long waits
    for the quota are announced.
    """

    def __init__(
        self,
        settings: Settings,
        dialect: Dialect,
        login: Login,
        most_requests: int | None = None,
        announce: Announce = log_wait,
    ) -> None:
        self.settings = settings
        self._service = dialect.service
        can_log_in = not settings.access_token  # a given token is used instead of a login
        login_again = partial(self._log_in, login) if can_log_in else None
        self._token = Token(settings.access_token, login_again, dialect.service, *_called(settings, dialect))
        self._sender = Sender(settings, dialect, most_requests, announce)
        self.others: tuple[str, ...] = ()
        self.retries = 0

    async def __aenter__(self) -> Self:
        await self._sender.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._sender.__aexit__(kind, error, trace)

    @property
    def requests(self) -> int:
        return self._sender.requests

    @property
    def pace(self) -> Pace:
        return self._sender.pace

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight; more fetchers than that would only wait."""
        return self.settings.concurrency

    @property
    def server_time(self) -> datetime:
        """The server's clock as of its last answer (`Date`), to the second; our clock if no answer had a date."""
        return self._sender.clock.now

    @property
    def start(self) -> Clocks:
        """The start of the run: the earliest `Date` of any answer."""
        return self._sender.clock.start

    async def ask(self, request: Request[T]) -> Answer[T] | Failure:
        """Sends the request, several times if necessary; returns its answer, or why it has none.

        Again means that all tries are spent. Raises LoginRefused, BodyTooLarge, and PyrusUnreachable if no server
        answered.
        """
        tries = Tries(self.settings.waits, request.tries, once=request.once)
        send = partial(self._sender.send, request)
        return await self._until_final(request, tries, send, may_renew=request.may_renew)

    def set_address(self, address: str) -> None:
        """Sets the address that paths follow, in place of the origin in the settings; its origin gets the token."""
        self._sender.set_address(address)

    @property
    def address(self) -> str:
        """The address that paths follow."""
        return self._sender.address

    def set_others(self, urls: tuple[str, ...]) -> None:
        """Sets the addresses beside the API's, such as that of files; requests to their origins have the token too."""
        self.others = urls
        for url in urls:
            self.add_origin(url)

    def add_origin(self, url: str) -> None:
        """Lets requests to the origin of the URL have the token and count."""
        self._sender.add_origin(url)

    async def log_in(self) -> None:
        """Gets a token if there is none yet: a login may name other addresses."""
        await self._token.current()

    @property
    def logged_in(self) -> "LoggedIn":
        """What another client of the account needs to go on without a login."""
        return LoggedIn(self._token.last, self.address, self.others)

    def go_on(self, before: "LoggedIn") -> None:
        """Uses the token that another client of the account got, and the addresses that its login named."""
        if before.token:
            self._token.last = before.token
            self.set_address(before.address)
            self.set_others(before.others)

    @asynccontextmanager
    async def stream(
        self, url: str, *, most: int | None = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> AsyncIterator[Download | Failure]:
        """Opens a file of any type and size for an `async with` block: yields it, or why it cannot be had.

        `url`: a path of the API, or an address at any host. Redirects are followed. The token goes only to the
        service's own origins. What goes wrong before the first byte is tried again, as in `ask`. After it, the chunks
        raise BodyCut, and the caller may ask for the rest (`headers`: Range). More than `most` bytes raise
        BodyTooLarge. The file takes a slot until the block ends: a block that asks for something else needs another.
        """
        base = URL(self.settings.url)
        if (address := followed(base, url)) is None:
            yield Refused(0, ApiError("", "its address is neither https nor on loopback, so it is not asked"))
            return
        wanted, tries = Wanted(address, headers, most), Tries(self.settings.waits)
        send = partial(self._sender.open, wanted)
        opened = await self._until_final(wanted, tries, send, with_token=self._sender.is_own(address))
        try:
            yield opened
        finally:
            if isinstance(opened, Download):
                opened.close()

    async def _log_in(self, login: Login) -> Secret:
        granted = await login(self.ask_without_token, self.settings)
        if isinstance(granted, Secret):
            return granted
        self.set_address(granted.address)
        self.set_others(granted.others)
        return granted.token

    async def ask_without_token(self, request: Request[T]) -> Answer[T] | Failure:
        """Like `ask`, for a login."""
        tries = Tries(self.settings.waits, request.tries, once=request.once)
        return await self._until_final(request, tries, partial(self._sender.send, request), with_token=False)

    async def _until_final(
        self, request: object, tries: Tries, send: Send[A], *, with_token: bool = True, may_renew: bool = True
    ) -> A | Failure:
        """Sends until the answer is good, or no further try would help."""
        refusals = 0
        while True:
            token = await self._token.current() if with_token else None
            match outcome := await send(token):
                case QuotaSpent():  # not a failed try
                    self.retries += 1
                    self.pace.refused(outcome.after)
                case TokenRefused() if token and may_renew:
                    refusals += 1
                    await self._token.renew(token, str(outcome))
                    if refusals == LOGINS_PER_REQUEST:
                        raise self._login_refused(request, outcome)
                    continue
                case Again():
                    if (pause := tries.pause(outcome)) is None:
                        return self._given_up(request, outcome)
                    self.retries += 1
                    log.debug("trying again: %s", outcome)
                    await self._sender.allowance.sleep(pause)
                case _:
                    if token and not isinstance(outcome, Failure):
                        self._token.accepted(token)
                    return outcome
            refusals = 0

    def _login_refused(self, request: object, refusal: TokenRefused) -> LoginRefused:
        return LoginRefused(
            f"{self._service} keeps refusing {request} after fresh logins: {refusal}; check what this account may do."
        )

    def _given_up(self, request: object, failure: Again) -> Again:
        """The last failure; raises PyrusUnreachable if no server answered."""
        if failure.reached:
            return failure
        where = str(request)
        if isinstance(request, Request) and request.path.startswith("/"):
            where = f"{request.method} {self._sender.address}{request.path}"
        raise PyrusUnreachable(f"{where} kept failing after all retries, last with: {failure}; then try again.")


def _called(settings: Settings, dialect: Dialect) -> tuple[str, str]:
    """What messages call a given token, and what to do if it is refused."""
    if settings.is_web_login:
        return "the token of pyrus-etl login", "run pyrus-etl login again"
    return dialect.credential, "get a new one"
