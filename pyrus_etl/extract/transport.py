"""The ground under the requests: a session of aiohttp as we want it, and bodies that arrive piece by piece."""

from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from pyrus_etl.errors import BodyTooLarge
from pyrus_etl.extract.charset import Transcoder
from pyrus_etl.settings import Settings, is_loopback

CONNECT_TIMEOUT = 4.0  # nine attempts at a host that does not answer end within a minute
READ_TIMEOUT = 60.0
LONGEST_ANSWER = 600.0
LARGEST_BODY = 1 << 26


class Sieve(Protocol):
    """What takes complete parts out of a body while it arrives."""

    def restart(self) -> None:
        """Another body begins."""
        ...

    def sift(self, body: bytearray) -> None:
        """Takes out what is complete, in place."""
        ...


def session_for(settings: Settings) -> aiohttp.ClientSession:
    """A session with the origin of the settings, without cookies and without retries of its own."""
    session = aiohttp.ClientSession(
        settings.url,
        connector=aiohttp.TCPConnector(limit=0),  # Http counts: with aiohttp's limit who waits may wait for ever
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
    session._retry_connection = False
    return session


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this origin (HTTPS_PROXY, NO_PROXY, …).

    Not aiohttp's trust_env: that also reads ~/.netrc and would put its password in place of our token.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


async def read_body(response: aiohttp.ClientResponse, sieve: Sieve | None) -> bytes:
    """The body, decompressed and in UTF-8, without what the sieve took out; refused when it outgrows all reason."""
    body, transcoder = bytearray(), Transcoder(response.charset)
    if sieve:
        sieve.restart()
    while chunk := await response.content.readany():
        body += transcoder.feed(chunk)
        if sieve:
            sieve.sift(body)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge(f"{response.url.path} answered with more than {LARGEST_BODY >> 20} MiB.")
    return bytes(body + transcoder.feed(b"", last=True))
