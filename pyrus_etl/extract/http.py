"""HTTP to Pyrus: the token, the pace and the retries; JSON bytes out.

The token goes to the origin of the settings only: no redirect is followed, no other address is ever asked.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
import tenacity

from pyrus_etl.errors import BodyTooLarge, BudgetSpent, LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.answer import Again, QuotaSpent, Refused, TokenRefused, body_of, quota_pause
from pyrus_etl.extract.pace import Pace
from pyrus_etl.extract.retries import after_faults, after_quota, resumed
from pyrus_etl.extract.token import Token
from pyrus_etl.settings import Secret, Settings, is_loopback

log = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_TIMEOUT = 4.0  # nine attempts at a host that does not answer end within a minute
READ_TIMEOUT = 60.0
LONGEST_ANSWER = 600.0
LARGEST_BODY = 1 << 26
LOGINS_PER_REQUEST = 4


class Sieve(Protocol):
    """What takes complete parts out of a body while it arrives."""

    def restart(self) -> None:
        """Another body begins."""
        ...

    def sift(self, body: bytearray) -> None:
        """Takes out what is complete, in place."""
        ...


class Http:
    """Open it with `async with`. `requests` and `retries` count what was sent.

    After `most_requests` of them each further one raises BudgetSpent; those under way come to their end.
    """

    def __init__(self, settings: Settings, most_requests: int | None = None) -> None:
        self._settings = settings
        self._most_requests = most_requests
        by_login = settings.security_key and not settings.access_token  # a given token is used in place of a login
        self._token = Token(settings.access_token, self._login if by_login else None)
        self._pace = Pace(settings.quota)
        self._server_time: datetime | None = None
        self._date_told: str | None = None
        self.requests = 0
        self.retries = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self._settings.url,
            connector=aiohttp.TCPConnector(limit=self._settings.concurrency),
            timeout=aiohttp.ClientTimeout(
                total=LONGEST_ANSWER,
                connect=2 * CONNECT_TIMEOUT,  # with the look-up of the name
                sock_connect=CONNECT_TIMEOUT,
                sock_read=READ_TIMEOUT,
            ),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "pyrus-etl"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # aiohttp would send a GET again by itself, uncounted and unpaced; it has no public switch for that (3.14)
        self._session._retry_connection = False
        self._proxy = _proxy_for(self._settings.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def server_time(self) -> datetime:
        """The server's clock as of its last answer (`Date`), to the second; ours where it tells none."""
        return self._server_time or datetime.now(UTC)

    async def call(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        json: Any = None,
        *,
        login: bool = True,
        sieve: Sieve | None = None,
    ) -> T:
        """What `read` makes of the answer's body, tried again until there is one.

        A `sieve` takes out of a body what it can while it arrives, so that an answer of any length is read in little
        memory; `read` has what is left.

        `read` raises msgspec.DecodeError for a body that is no JSON (tried again: it may be cut short) and
        msgspec.ValidationError for JSON of another kind (final). Raises Refused (AccessDenied for 403 and 404),
        LoginRefused, and when all tries are spent Again, or PyrusUnreachable where no server answered.
        """
        send = partial(self._authorized if login else self._send, method, path, read, json, sieve)
        try:
            return await send()
        except (Again, QuotaSpent) as failure:
            return await self._patiently(method, path, resumed(send, failure))

    async def _patiently(self, method: str, path: str, send: Callable[[], Awaitable[T]]) -> T:
        """The answer after some tries; see `call`."""
        tries, patience = after_faults(self._count_retry), after_quota(self._count_retry)
        try:
            return await tries(patience, send)
        except QuotaSpent as error:
            raise PyrusUnreachable(f"{self._settings.url} says for an hour that the quota is spent.") from error
        except Again as error:
            if error.reached:
                raise
            raise PyrusUnreachable(
                f"{self._settings.url} {method} {path} kept failing after all retries, last with: {error}."
            ) from error

    async def _authorized(
        self, method: str, path: str, read: Callable[[bytes], T], json: Any, sieve: Sieve | None
    ) -> T:
        refused = ""
        for _ in range(LOGINS_PER_REQUEST):
            token = await self._token.current()
            try:
                answer = await self._send(method, path, read, json, sieve, token)
            except TokenRefused as error:
                refused = str(error)
                await self._token.renew(token, refused)
            else:
                self._token.accepted(token)
                return answer
        raise LoginRefused(f"Pyrus keeps refusing {method} {path} after fresh logins: {refused}.")

    async def _send(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        json: Any,
        sieve: Sieve | None,
        token: Secret | None = None,
    ) -> T:
        """One request and its answer."""
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        async with self._pace:
            if self.requests == self._most_requests:
                raise BudgetSpent(f"The budget of {self.requests} requests is spent; the next run goes on from here.")
            self.requests += 1
            try:
                async with self._session.request(
                    method, path, headers=headers, json=json, allow_redirects=False, proxy=self._proxy
                ) as response:
                    body = await _read(response, sieve if response.status == 200 else None)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                raise Again(f"it cannot be reached ({_reason(error)})", reached=False) from error
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                reason = self._without_secrets(_reason(error).encode(), token).decode()
                raise Again(reason) from None  # aiohttp's error holds the request with our token
        self._note(response)
        if response.status != 200 or body.lstrip()[:1] == b"<":
            body = self._without_secrets(body, token)
        try:
            return read(body_of(response.status, response.headers, body, f"{method} {path}"))
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError as error:
            raise Again(f"a body that is no JSON ({error})", body=self._without_secrets(body, token)) from error

    def _note(self, response: aiohttp.ClientResponse) -> None:
        """Keeps what every answer tells: the server's clock, and what is left of the quota."""
        told = response.headers.get("Date", "")
        if told != self._date_told:
            self._date_told = told
            try:
                date = parsedate_to_datetime(told)
                self._server_time = (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
            except (ValueError, OverflowError):
                log.debug("an answer without a readable Date")
        if pause := quota_pause(response.headers):
            self._pace.hold(pause)

    def _without_secrets(self, body: bytes, token: Secret | None) -> bytes:
        """What is to be shown or kept of an answer that is none, though it repeat what we sent."""
        for secret in filter(None, (token, self._settings.security_key)):
            body = body.replace(secret.reveal().encode(), b"(secret)")
        return body

    def _count_retry(self, state: tenacity.RetryCallState) -> None:
        self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, QuotaSpent) and error.after:
            self._pace.hold(error.after)
        log.debug("trying again: %s", error)

    async def _login(self) -> Secret:
        """A fresh token (`getaccesstoken`, "Authorization for background process")."""
        settings = self._settings
        if not (settings.login and settings.client_id and settings.security_key):
            raise SettingsError("PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID are needed together.")
        credentials = {
            "Login": settings.login,
            "SecurityKey": settings.security_key.reveal(),
            "ClientId": settings.client_id,
        }
        try:
            answer = await self.call("POST", "/restapi/getaccesstoken", _read_token, credentials, login=False)
        except (TokenRefused, Refused) as error:
            if isinstance(error, Refused) and error.status == 404:
                raise PyrusUnreachable(f"{settings.url} knows no login ({error}); is it a Pyrus?") from error
            raise LoginRefused(
                f"Pyrus refused the login of {settings.login}: {error}; "
                "check PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID."
            ) from error
        except (Again, msgspec.ValidationError) as error:
            raise PyrusUnreachable(f"{settings.url} does not answer a login as Pyrus does: {error}.") from error
        return Secret(answer)


class _AccessToken(msgspec.Struct, rename="pascal"):
    access_token: str


def _read_token(body: bytes) -> str:
    return msgspec.json.decode(body, type=_AccessToken).access_token


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this origin (HTTPS_PROXY, NO_PROXY, …).

    Not aiohttp's trust_env: that also reads ~/.netrc and would put its password in place of our token.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _read(response: aiohttp.ClientResponse, sieve: Sieve | None) -> bytes:
    """The body, decompressed, without what the sieve took out; refused when it outgrows all reason."""
    body = bytearray()
    if sieve:
        sieve.restart()
    while chunk := await response.content.readany():
        body += chunk
        if sieve:
            sieve.sift(body)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge(f"{response.url.path} answered with more than {LARGEST_BODY >> 20} MiB.")
    return bytes(body)
