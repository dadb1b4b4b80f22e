"""The aiohttp session with our limits, and bodies that are read piece by piece."""

import asyncio
import hashlib
import json
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

import aiohttp
import msgspec
from aiohttp.client_proto import ResponseHandler

from pyrus_etl.client.network.charset import Transcoder, declared_charset
from pyrus_etl.client.network.resolver import Resolver
from pyrus_etl.client.network.trust import trust
from pyrus_etl.client.network.unpack import unpacker_for
from pyrus_etl.errors import BodyTooLarge
from pyrus_etl.settings import Settings, Waits

LARGEST_BODY = 1 << 26
READ_AHEAD = 1 << 18
"""Bytes of an answer that wait to be read; with aiohttp's 64 KB, a large file is stopped and started again for each."""
LONGEST_HEADER, MOST_HEADERS = 100 << 10, 5000
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_HEADER_LIMITS = {"max_line_size": LONGEST_HEADER, "max_field_size": LONGEST_HEADER, "max_headers": MOST_HEADERS}


class Sieve(Protocol):
    """Removes complete parts from a body while it arrives."""

    def restart(self) -> None:
        """Prepares for another body."""
        ...

    def sift(self, body: bytearray) -> None:
        """Removes the complete parts, in place."""
        ...


class _Protocol(ResponseHandler):
    """Reads headers as long as curl does, from servers and proxies; aiohttp has a setting for servers only."""

    def set_response_params(self, **parameters: Any) -> None:
        super().set_response_params(**(parameters | _HEADER_LIMITS))


def session_for(settings: Settings) -> aiohttp.ClientSession:
    """Opens a session with the origin in the settings, without cookies and without retries of its own.

    Raises SettingsError if the environment names certificates that cannot be read.
    """
    session = aiohttp.ClientSession(
        settings.url,
        connector=_connector(settings),
        timeout=timeout(settings.waits, settings.waits.answer),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "pyrus-etl"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # see `client.unpack`
        read_bufsize=READ_AHEAD,
        json_serialize=_json,
    )
    # aiohttp would repeat a GET by itself, uncounted and unpaced; it has no public switch for that (3.14)
    session._retry_connection = False
    return session


def _json(value: Any) -> str:
    """JSON with exact numbers; a lone surrogate becomes an escape, which msgspec refuses to write."""
    try:
        return _ENCODE(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)


@lru_cache(maxsize=16)  # a run has few, and asks for one with each request
def timeout(waits: Waits, whole: float | None, silence: float | None = None) -> aiohttp.ClientTimeout:
    """The time limits of a request; `whole`: of its whole answer, if that has one; `silence`: if not the usual."""
    return aiohttp.ClientTimeout(
        total=whole,
        connect=2 * waits.connect,  # includes the look-up of the name
        sock_connect=waits.connect,
        sock_read=waits.read if silence is None else silence,
    )


def _connector(settings: Settings) -> aiohttp.TCPConnector:
    connector = aiohttp.TCPConnector(
        limit=0,  # Client has its own limit: with aiohttp's a request may wait forever
        resolver=Resolver(),
        ssl=trust() if settings.url.startswith("https:") else True,
    )
    loop = asyncio.get_running_loop()
    connector._factory = partial(_Protocol, loop=loop)  # type: ignore[assignment] # a partial of a subclass
    return connector


class Body(NamedTuple):
    """A body in UTF-8; `sha256` is of the bytes as served, and empty if a sieve was used."""

    text: bytes
    sha256: str


def _charset(response: aiohttp.ClientResponse) -> str | None:
    return declared_charset(response.headers.get("Content-Type", ""))


def _packing(response: aiohttp.ClientResponse) -> str:
    return response.headers.get("Content-Encoding", "")


async def read_body(response: aiohttp.ClientResponse, sieve: Sieve | None) -> Body:
    """Reads the body, decompressed and in UTF-8, without the parts that the sieve removed.

    Raises BadPacking, and BodyTooLarge if it exceeds `LARGEST_BODY`.
    """
    if sieve:
        return Body(await _sifted(response, sieve), "")
    served = await _whole(response)
    text = Transcoder(_charset(response)).feed(served, last=True)
    return Body(text, hashlib.sha256(served).hexdigest())


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body as served, decompressed."""
    unpacker, parts, size = unpacker_for(_packing(response)), list[bytes](), 0
    while piece := await response.content.readany():
        for part in unpacker.feed(piece):
            parts.append(part)
            size += len(part)
            if size > LARGEST_BODY:
                raise _too_large(response)
    unpacker.end()
    return b"".join(parts)


async def _sifted(response: aiohttp.ClientResponse, sieve: Sieve) -> bytes:
    """The body in UTF-8, from which the sieve removes what is complete while the rest arrives."""
    body, transcoder = bytearray(), Transcoder(_charset(response))
    sieve.restart()
    unpacker = unpacker_for(_packing(response))
    while piece := await response.content.readany():
        for part in unpacker.feed(piece):
            body += transcoder.feed(part)
            sieve.sift(body)
            if len(body) > LARGEST_BODY:
                raise _too_large(response)
    unpacker.end()
    body += transcoder.feed(b"", last=True)
    return bytes(body)


def _too_large(response: aiohttp.ClientResponse) -> BodyTooLarge:
    return BodyTooLarge(f"{response.url.path} answered with more than {LARGEST_BODY >> 20} MiB.")
