"""One request over the network: no retries, no redirects, and no exception of aiohttp leaves this module."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import msgspec

from pyrus_etl.client.failures import failure_of
from pyrus_etl.client.meaning import Again, Unreadable
from pyrus_etl.client.proxy import proxy_for
from pyrus_etl.client.transport import Body, Sieve, read_body, session_for
from pyrus_etl.settings import Secret, Settings

FAULTS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What aiohttp and our reading of a body raise if an exchange fails."""


class Served(NamedTuple):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: Body


class Exchange:
    """The connections to one origin, through its proxy if there is one. Open it with `async with`.

    `setting`: names the origin in messages.
    """

    def __init__(self, settings: Settings, setting: str) -> None:
        self._settings = settings
        self._setting = setting

    async def __aenter__(self) -> Self:
        self._proxy = proxy_for(self._settings.url)
        self._route: dict[str, Any] = {}
        if self._proxy:
            self._route = {"proxy": self._proxy.url, "proxy_headers": self._proxy.headers}
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

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], json: Any = None, sieve: Sieve | None = None
    ) -> Served | Again | Unreadable:
        """Sends a request and reads its whole answer; the sieve is for a body with status 200.

        Raises PyrusUnreachable if only a person can make it succeed, and BodyTooLarge.
        """
        try:
            async with self._session.request(
                method, path, headers=headers, json=json, allow_redirects=False, **self._route
            ) as response:
                body = await read_body(response, sieve if response.status == 200 else None)
                return Served(response.status, response.headers, body)
        except msgspec.ValidationError as error:  # a ValueError too; raised by the sieve
            return Unreadable(str(error), b"")
        except FAULTS as error:
            failure = failure_of(error, self._settings.url, self._setting, self._proxy)
        if isinstance(failure, Again):
            return failure
        raise failure  # not `from error`: that holds our token and the proxy's password
