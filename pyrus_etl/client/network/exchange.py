"""One request over the network: no retries and no redirects. No exception of aiohttp leaves this module."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import msgspec
from yarl import URL

from pyrus_etl.client.meaning import Again, Unreadable
from pyrus_etl.client.network.failures import broken, failure_of
from pyrus_etl.client.network.form import Sending
from pyrus_etl.client.network.proxy import Proxy, proxy_for
from pyrus_etl.client.network.transport import Body, read_body, session_for, timeout
from pyrus_etl.client.network.unpack import unpacker_for
from pyrus_etl.client.request import Request
from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.settings import Secret, Settings

FAULTS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What aiohttp and our reading of a body raise if an exchange fails."""
AS_IT_IS = {"Accept": "*/*", "Accept-Encoding": "identity"}
"""Headers that ask for a file of any type, and not compressed."""

Way = tuple[Proxy | None, dict[str, Any]]
"""The proxy for an address, and the parameters that lead through it."""


class Broken(Exception):
    """A body broke off; the message says how."""


class Served(NamedTuple):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: Body


class Exchange:
    """The connections to one origin, through its proxy if there is one. Open it with `async with`.

    `setting`: names the origin in messages. `address`: what the paths of requests follow.
    """

    def __init__(self, settings: Settings, setting: str) -> None:
        self._settings = settings
        self._setting = setting
        self._origin = _origin_of(URL(settings.url))
        self._own = {self._origin}
        self.address = settings.url
        self._usual = timeout(settings.waits, settings.waits.answer)
        self._way: Way | None = None

    async def __aenter__(self) -> Self:
        self._proxy = proxy_for(self._settings.url)
        self._route = _route(self._proxy)
        self._session = session_for(self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets of the proxy."""
        return self._proxy.secrets if self._proxy else ()

    async def send(self, request: Request[Any], headers: Mapping[str, str]) -> Served | Again | Unreadable:
        """Sends a request and reads its whole answer; the sieve is for a body with status 200.

        Raises PyrusUnreachable if only a person can make it succeed, BodyTooLarge, and what the contents of a form
        raise.
        """
        if not request.form:
            return await self._sent(request, headers, None)
        sending = request.form.sending()
        try:
            await sending.begin()
            return await self._sent(request, headers, sending)
        finally:
            await sending.close()
            if sending.error:
                raise sending.error

    async def _sent(
        self, request: Request[Any], headers: Mapping[str, str], sending: Sending | None
    ) -> Served | Again | Unreadable:
        is_whole = "://" in request.path
        url = URL(request.path if is_whole else self.address + request.path)
        proxy, route = self._way_to(url) if is_whole else self._usual_way(url)
        try:
            async with self._session.request(
                request.method,
                url,
                headers={**headers, **(sending.headers if sending else {})},
                allow_redirects=False,
                timeout=self._limits(request, sending),
                **_body(request, sending),
                **route,
            ) as response:
                read = await read_body(response, request.sieve if response.status == 200 else None)
                return Served(response.status, response.headers, read)
        except msgspec.ValidationError as error:  # a ValueError too; raised by the sieve
            return Unreadable(str(error), b"")
        except FAULTS as error:
            failure = failure_of(error, str(url.origin()), self._setting, proxy)
        return _possible(failure)

    def set_address(self, address: str) -> None:
        """Sets the address that paths follow, and makes its origin one of the service's own."""
        self.address = address
        self._way = None
        self.add_origin(address)

    def _limits(self, request: Request[Any], sending: Sending | None) -> aiohttp.ClientTimeout:
        if not (request.is_slow or sending):
            return self._usual
        waits = self._settings.waits
        whole = sending.longest(waits.answer) if sending else waits.answer
        return timeout(waits, whole, waits.slow if request.is_slow else waits.read)

    def _way_to(self, url: URL) -> Way:
        """The proxy for an address, and the parameters that lead through it."""
        if _origin_of(url) == self._origin:
            return self._proxy, self._route
        proxy = proxy_for(str(url.origin()))
        return proxy, _route(proxy)

    def _usual_way(self, url: URL) -> Way:
        """The same for an address of the API itself, of which a run asks thousands."""
        if self._way is None:
            self._way = self._way_to(url)
        return self._way

    def add_origin(self, url: str) -> None:
        """Makes the origin of the URL one of the service's own."""
        self._own.add(_origin_of(URL(url)))

    def is_own(self, url: URL) -> bool:
        """Whether the URL is at an origin of the service's own."""
        return _origin_of(url) in self._own

    async def open(self, url: URL, headers: Mapping[str, str]) -> aiohttp.ClientResponse | Again:
        """Sends a GET for a file, which may be at any host; the caller reads the body and closes the response.

        Raises PyrusUnreachable if only a person can make it succeed.
        """
        proxy, route = self._way_to(url)
        setting = self._setting if _origin_of(url) == self._origin else "the address of the file"
        limits = timeout(self._settings.waits, None)
        try:
            return await self._session.get(
                url, headers={**AS_IT_IS, **headers}, allow_redirects=False, timeout=limits, **route
            )
        except FAULTS as error:
            failure = failure_of(error, str(url.origin()), setting, proxy)
        return _possible(failure)


def _origin_of(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def _body(request: Request[Any], sending: Sending | None) -> dict[str, Any]:
    """The parameter that holds the body: a form with a file, a form without one, or JSON."""
    if sending:
        return {"data": sending.pieces()}
    if request.fields:
        return {"data": aiohttp.FormData(request.fields, default_to_multipart=True)}
    return {"json": request.json}


def _route(proxy: Proxy | None) -> dict[str, Any]:
    return {"proxy": proxy.url, "proxy_headers": proxy.headers} if proxy else {}


def _possible(failure: Again | PyrusUnreachable) -> Again:
    """The failure, if another try may help; raises it otherwise, and not from its cause, which holds our secrets."""
    if isinstance(failure, Again):
        return failure
    raise failure


class Pieces:
    """The body of an answer, unpacked, piece by piece; raises Broken.

    An iterator, because a generator costs more than most pieces.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content
        self._unpacker = unpacker_for(response.headers.get("Content-Encoding", ""))
        self._parts: Iterator[bytes] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._next()
        except FAULTS as error:
            reason = broken(error)
        else:
            if piece is None:
                raise StopAsyncIteration
            return piece
        raise Broken(reason)

    async def _next(self) -> bytes | None:
        while (part := next(self._parts, None)) is None:
            if not (piece := await self._content.readany()):
                self._unpacker.end()
                return None
            self._parts = iter(self._unpacker.feed(piece))
        return part
