"""Sends a request once, within the budget, the slots and the pace, and says what its answer means."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

import aiohttp
from yarl import URL

from pyrus_etl.client.clock import ServerClock
from pyrus_etl.client.dialect import Dialect
from pyrus_etl.client.meaning import Again, Failure, QuotaSpent, Read, meaning_elsewhere, meaning_of, meaning_of_file
from pyrus_etl.client.network.exchange import Broken, Exchange, Pieces, Served
from pyrus_etl.client.network.file import MOST_REDIRECTS, Chunks, Download, Wanted, check_length, target_of
from pyrus_etl.client.quota.allowance import Allowance
from pyrus_etl.client.quota.limits import pause_when_exhausted
from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.client.quota.waits import Announce
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.settings import Secret, Settings

T = TypeVar("T")

MOST_SLOW = 4
"""Slow requests in flight, beside the others."""


class _Credentials(NamedTuple):
    """The headers that show a token, and all secrets that an answer to it may repeat."""

    token: Secret | None
    headers: Mapping[str, str]
    secrets: tuple[Secret | None, ...]


class Sender:
    """Open it with `async with`. `requests` counts those to the service."""

    def __init__(self, settings: Settings, dialect: Dialect, most_requests: int | None, announce: Announce) -> None:
        self._key = settings.security_key
        self._dialect = dialect
        self.allowance = Allowance(most_requests)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._slow_slots = asyncio.Semaphore(MOST_SLOW)
        self.pace = Pace(settings.quota, announce, settings.waits.quota, dialect.service)
        self._exchange = Exchange(settings, dialect.setting)
        self.clock = ServerClock()
        self._last_credentials: _Credentials | None = None
        self.requests = 0

    async def __aenter__(self) -> Self:
        await self._exchange.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exchange.__aexit__(kind, error, trace)

    async def send(self, request: Request[T], token: Secret | None) -> Answer[T] | QuotaSpent | Failure:
        """Sends a request. Slots are first come, first served, so a list is not starved by tasks.

        Slow requests have slots of their own, so that they never hold up the others.
        """
        self.allowance.take()
        async with self._slow_slots if request.is_slow else self._slots, self.pace:
            if request.guard:
                request.guard()
            self.requests += 1
            served = await self._exchange.send(request, self._credentials(token).headers)
        if not isinstance(served, Served):
            return served
        self._note(served.status, served.headers)
        read = meaning_of(
            served.status,
            served.headers,
            served.body.text,
            self._dialect,
            request.read,
            *self._credentials(token).secrets,
        )
        if not isinstance(read, Read):
            return read
        return Answer(read.value, self.clock.now, served.body.sha256, served.headers.get("Location", ""))

    async def open(self, wanted: Wanted, token: Secret | None) -> Download | QuotaSpent | Failure:
        """Opens a file; its slot is free again when it is closed."""
        self._count(wanted.url)
        await self._slots.acquire()
        held = _Held(self._slots)
        try:
            outcome = await self._followed(wanted.url, wanted, held, token)
        except BaseException:
            held.close()
            raise
        if not isinstance(outcome, Download):
            held.close()
        return outcome

    @property
    def address(self) -> str:
        """The address that paths follow."""
        return self._exchange.address

    def set_address(self, address: str) -> None:
        """Sets the address that paths follow, and makes its origin one of the service's own."""
        self._exchange.set_address(address)

    def add_origin(self, url: str) -> None:
        """Makes the origin of the URL one of the service's own."""
        self._exchange.add_origin(url)

    def is_own(self, url: URL) -> bool:
        """Whether the URL is the service's own: only such requests have the token and count."""
        return self._exchange.is_own(url)

    def _count(self, url: URL) -> None:
        """Takes a request from the budget if it goes to the service; raises BudgetSpent."""
        if self.is_own(url):
            self.allowance.take()

    async def _followed(
        self, url: URL, wanted: Wanted, held: "_Held", token: Secret | None, redirects: int = MOST_REDIRECTS
    ) -> Download | QuotaSpent | Failure:
        """Asks for a file, and follows its redirects."""
        response = await self._get(url, wanted.headers, token)
        if isinstance(response, Again):
            return response
        held.responses.append(response)
        if redirects and (target := target_of(response)):
            self._count(target)
            return await self._followed(target, wanted, held, token, redirects - 1)
        return await self._started(response, wanted, held, token)

    async def _get(self, url: URL, headers: Mapping[str, str], token: Secret | None) -> aiohttp.ClientResponse | Again:
        """Asks one host for a file. Another host than the service's gets no token; its quota and clock are its own."""
        if not self.is_own(url):
            return await self._exchange.open(url, headers)
        async with self.pace:
            self.requests += 1
            response = await self._exchange.open(url, {**self._credentials(token).headers, **headers})
        if not isinstance(response, Again):
            self._note(response.status, response.headers)
        return response

    async def _started(
        self, response: aiohttp.ClientResponse, wanted: Wanted, held: "_Held", token: Secret | None
    ) -> Download | QuotaSpent | Failure:
        """Waits for the first bytes of an answer, and decides what they mean."""
        status, headers, rest = response.status, response.headers, Pieces(response)
        try:
            first = await anext(rest, None)
        except Broken as error:
            return Again(str(error))
        failure = (
            meaning_of_file(status, headers, first or b"", self._dialect, *self._credentials(token).secrets)
            if self.is_own(response.url)
            else meaning_elsewhere(status)
        )
        if failure:
            return failure
        check_length(wanted, headers)
        return Download(status, headers, Chunks(first, rest, wanted), held.close)

    def _credentials(self, token: Secret | None) -> _Credentials:
        """The credentials for a token; a run has few tokens and many requests."""
        if (last := self._last_credentials) and last.token is token:
            return last
        value = self._dialect.authorization(token) if token else ""
        header = Secret(value.rpartition(" ")[2]) if token else None
        secrets = (token, header, self._key, *self._exchange.secrets)
        self._last_credentials = _Credentials(token, {"Authorization": value} if token else {}, secrets)
        return self._last_credentials

    def _note(self, status: int, headers: Mapping[str, str]) -> None:
        """Records the quota and the clock that an answer reports."""
        if status < 500 and not self._dialect.is_quota_spent(status, headers):
            self.pace.answered(pause_when_exhausted(headers, self._dialect.quota))
        self.clock.note(headers.get("Date", ""))


class _Held:
    """A slot, and the answers on the way to a file; `close` may be called twice."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots: asyncio.Semaphore | None = slots
        self.responses: list[aiohttp.ClientResponse] = []

    def close(self) -> None:
        for response in self.responses:
            response.close()
        if self._slots:
            self._slots.release()
            self._slots = None
