"""HTTP requests with a token, a pace and retries.

The token is sent only to the origin in the settings. Redirects are not followed; no other address is contacted.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from pyrus_etl.client.allowance import Allowance
from pyrus_etl.client.clock import Clocks, ServerClock
from pyrus_etl.client.exchange import Exchange, Served
from pyrus_etl.client.limits import pause_when_exhausted
from pyrus_etl.client.meaning import (
    Again,
    Dialect,
    Failure,
    QuotaSpent,
    Read,
    TokenRefused,
    meaning_of,
)
from pyrus_etl.client.pace import Pace
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.client.retry import Tries
from pyrus_etl.client.token import Token
from pyrus_etl.client.waits import Announce, log_wait
from pyrus_etl.errors import LoginRefused, PyrusUnreachable
from pyrus_etl.settings import Secret, Settings

log = logging.getLogger(__name__)
T = TypeVar("T")
A = TypeVar("A")

LOGINS_PER_REQUEST = 4

Ask = Callable[[Request[str]], Awaitable[Answer[str] | Failure]]
"""Sends a request without a token, with the same retries as any other."""
Login = Callable[[Ask, Settings], Awaitable[Secret]]
"""Logs in to the API and returns the token; the folder of the API provides it."""
Send = Callable[[Secret | None], Awaitable[A | QuotaSpent | Failure]]
"""Sends once, with a token if it gets one."""


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
        self._settings = settings
        self._dialect = dialect
        self._allowance = Allowance(most_requests)
        can_log_in = not settings.access_token  # a given token is used instead of a login
        login_again = partial(login, self._ask_without_token, settings) if can_log_in else None
        self._token = Token(settings.access_token, login_again, dialect.service)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self.pace = Pace(settings.quota, announce, settings.waits.quota, dialect.service)
        self._exchange = Exchange(settings, dialect.setting)
        self._clock = ServerClock()
        self.requests = 0
        self.retries = 0

    async def __aenter__(self) -> Self:
        await self._exchange.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exchange.__aexit__(kind, error, trace)

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight; more fetchers than that would only wait."""
        return self._settings.concurrency

    @property
    def server_time(self) -> datetime:
        """The server's clock as of its last answer (`Date`), to the second; our clock if no answer had a date."""
        return self._clock.now

    @property
    def start(self) -> Clocks:
        """The start of the run: the earliest `Date` of any answer."""
        return self._clock.start

    async def ask(self, request: Request[T]) -> Answer[T] | Failure:
        """Sends the request, several times if necessary; returns its answer, or why it has none.

        Again means that all tries are spent. Raises LoginRefused, BodyTooLarge, and PyrusUnreachable if no server
        answered.
        """
        tries = Tries(self._settings.waits, request.tries)
        return await self._until_final(request, tries, partial(self._send, request))

    async def _ask_without_token(self, request: Request[T]) -> Answer[T] | Failure:
        """For the login."""
        tries = Tries(self._settings.waits, request.tries)
        return await self._until_final(request, tries, partial(self._send, request), with_token=False)

    async def _until_final(
        self, request: object, tries: Tries, send: Send[A], *, with_token: bool = True
    ) -> A | Failure:
        """Sends until the answer is good, or no further try would help."""
        refusals = 0
        while True:
            token = await self._token.current() if with_token else None
            match outcome := await send(token):
                case QuotaSpent():  # not a failed try
                    self.retries += 1
                    self.pace.hold.refused(outcome.after)
                case TokenRefused() if token:
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
                    await self._allowance.sleep(pause)
                case _:
                    if token and not isinstance(outcome, Failure):
                        self._token.accepted(token)
                    return outcome
            refusals = 0

    def _login_refused(self, request: object, refusal: TokenRefused) -> LoginRefused:
        return LoginRefused(
            f"{self._dialect.service} keeps refusing {request} after fresh logins: {refusal}; "
            "check what this account may do."
        )

    def _given_up(self, request: object, failure: Again) -> Again:
        """The last failure; raises PyrusUnreachable if no server answered."""
        if failure.reached:
            return failure
        raise PyrusUnreachable(
            f"{self._settings.url} {request} kept failing after all retries, last with: {failure}; then try again."
        )

    async def _send(self, request: Request[T], token: Secret | None) -> Answer[T] | QuotaSpent | Failure:
        """Sends one request. Slots are first come, first served, so a list is not starved by tasks."""
        self._allowance.take()
        headers = {"Authorization": self._dialect.authorization(token)} if token else {}
        async with self._slots, self.pace:
            self.requests += 1
            served = await self._exchange.send(request.method, request.path, headers, request.json, request.sieve)
        if not isinstance(served, Served):
            return served
        date = self._note(served.status, served.headers)
        secrets = (token, self._settings.security_key, *self._exchange.secrets)
        read = meaning_of(served.status, served.headers, served.body.text, self._dialect, request.read, *secrets)
        return Answer(read.value, date, served.body.sha256) if isinstance(read, Read) else read

    def _note(self, status: int, headers: Mapping[str, str]) -> datetime:
        """Records the quota and the clock that an answer reports; returns the server's time."""
        if status < 500 and not self._dialect.is_quota_spent(status, headers):
            self.pace.hold.answered(pause_when_exhausted(headers, self._dialect.quota))
        return self._clock.note(headers.get("Date", ""))
