"""A file that arrives in pieces, of any type and size; and where a redirect to it may lead."""

from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Self

import aiohttp
from yarl import URL

from pyrus_etl.client.network.exchange import Broken, Pieces
from pyrus_etl.errors import BodyCut, BodyTooLarge
from pyrus_etl.settings import is_loopback

MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Wanted(NamedTuple):
    """A file to fetch. `headers`: such as Range. `most`: the bytes that the caller will take, if there is a limit."""

    url: URL
    headers: Mapping[str, str]
    most: int | None

    def __str__(self) -> str:
        return f"GET {self.url.origin()}{self.url.path}"  # the query of a signed address is a secret


class Download(NamedTuple):
    """A file that is arriving; `status` is 206 if the server sends only the range that was asked for.

    `chunks` raises BodyCut if the file breaks off, and BodyTooLarge at the caller's limit. `close`: ends it.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    close: Callable[[], None]

    @property
    def media_type(self) -> str | None:
        return self.headers.get("Content-Type")


def target_of(response: aiohttp.ClientResponse) -> URL | None:
    """Where an answer redirects to; None if it does not, or to where we must not follow."""
    location = response.headers.get("Location", "") if response.status in REDIRECTS else ""
    return followed(response.url, location) if location else None


def followed(url: URL, location: str) -> URL | None:
    """The target of a redirect; None if it is neither https nor one from loopback to loopback.

    What is encoded stays as it is, because a storage host may have signed it.
    """
    is_encoded = location.isascii() and location.isprintable() and " " not in location
    try:
        target = URL(location, encoded=is_encoded)
        target = target if target.scheme else url.join(target)
        host, _ = target.host, target.port  # checked only when read
    except ValueError:
        return None
    is_local = all(each.scheme == "http" and is_loopback(each.host or "") for each in (url, target))
    return target if host and (target.scheme == "https" or is_local) else None


def check_length(wanted: Wanted, headers: Mapping[str, str]) -> None:
    """Raises BodyTooLarge if the answer says that the file exceeds the limit."""
    length = headers.get("Content-Length", "")
    if wanted.most is not None and length.isdecimal() and int(length) > wanted.most:
        raise _too_large(wanted)


class Chunks:
    """The pieces of a file, of which the first is here; raises BodyTooLarge, and BodyCut if the rest breaks off."""

    def __init__(self, first: bytes | None, rest: Pieces, wanted: Wanted) -> None:
        self._first, self._rest, self._wanted = first or b"", rest, wanted
        self._received = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece, self._first = self._first, b""
        while not piece:
            try:
                piece = await anext(self._rest)
            except Broken as error:
                received = self._received
                raise BodyCut(
                    f"{self._wanted} broke off after {received:,} bytes ({error}); try again.", received
                ) from None
        self._received += len(piece)
        if self._wanted.most is not None and self._received > self._wanted.most:
            raise _too_large(self._wanted)
        return piece


def _too_large(wanted: Wanted) -> BodyTooLarge:
    return BodyTooLarge(f"{wanted} answers with more than {wanted.most:,} bytes.")
