"""The contents of a file on their way, from as many requests as it takes."""

import asyncio
import re
from collections.abc import Mapping

from pyrus_etl.client.meaning import Again, Failure
from pyrus_etl.client.network.file import Download
from pyrus_etl.errors import BodyCut
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.files.ahead import Blocks
from pyrus_etl.files.check import Check
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS
from pyrus_etl.settings import Retry

BLOCK = 1 << 18
RESUMED_FROM = 1 << 20
"""Bytes; contents that break off earlier begin again."""


class NotGiven(Exception):
    """The service does not give the contents; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class TooLarge(Exception):
    """The contents exceed --max-size."""


class Arriving:
    """Contents, see `files.contents`; `requests` counts how often they were asked for, after those of earlier tries.

    If they break off, the rest is asked for by Range (RFC 9110, section 14), if they are sure to be the same later: a
    strong ETag or their MD5 shows it, and Pyrus never changes an attachment. A server that knows no ranges sends
    everything, and what is here is skipped. The check sees all bytes, in order, whichever request brought them.

    Reading the blocks raises NotGiven, TooLarge, Corrupt, and BodyCut if the contents have to begin again.
    """

    def __init__(
        self, file: ServiceFile, service: FileService, retry: Retry, most_bytes: int | None, requests: int
    ) -> None:
        self.key = f"{file.service}:{file.file_id} {file.size_bytes} {file.md5}" if file.md5 else ""
        self.check = Check(file.size_bytes, file.md5)
        self.media_type: str | None = None
        self.requests = requests
        self._file, self._service, self._retry, self._most_bytes = file, service, retry, most_bytes
        self._received = 0
        self._etag = ""

    async def blocks(self, start: int = 0) -> Blocks:
        self._received = start
        gathered: list[bytes] = []
        fruitless = 0
        while True:
            before = self._received
            try:
                self.requests += 1
                async with self._service.open(self._file, self._wanted()) as found:
                    given = self._given(found)
                    known = self._known(given)
                    async for piece in given.chunks:
                        new = piece[known:]
                        known -= len(piece) - len(new)
                        self._count(len(new))
                        gathered.append(new)
                        if sum(map(len, gathered)) >= BLOCK:
                            yield b"".join(gathered)
                            gathered.clear()
                break
            except BodyCut:
                fruitless = 0 if self._received - before >= RESUMED_FROM else fruitless + 1
                if not self._can_be_resumed or fruitless >= self._retry.attempts:
                    raise
                await asyncio.sleep(self._retry.pause(fruitless + 1))
        if last := b"".join(gathered):
            yield last

    def _given(self, found: Download | Failure) -> Download:
        if isinstance(found, Download):
            return found
        if self._received and not isinstance(found, Again):
            raise self._beginning_again(f"the rest is refused: {found}")
        raise NotGiven(found)

    def _known(self, given: Download) -> int:
        """How many bytes at the beginning of an answer are here already; raises BodyCut if it is of no use."""
        etag = _strong_etag(given.headers)
        if self._etag and etag != self._etag:
            raise self._beginning_again("they have changed since")
        self._etag, self.media_type = etag, self.media_type or given.media_type
        if self._received and given.status == 206 and _start(given.headers) != self._received:
            raise self._beginning_again("another range came than was asked for")
        return self._received if given.status == 200 else 0

    def _beginning_again(self, why: str) -> BodyCut:
        error = BodyCut(f"The contents broke off after {self._received:,} bytes, and {why}.", self._received)
        self._received = 0
        return error

    def _wanted(self) -> Mapping[str, str]:
        if not self._received:
            return {}
        return {"Range": f"bytes={self._received}-"} | ({"If-Range": self._etag} if self._etag else {})

    @property
    def _can_be_resumed(self) -> bool:
        is_same = bool(self._etag or self.key) or self._file.service == PYRUS
        return is_same and self._received >= RESUMED_FROM

    def _count(self, more: int) -> None:
        self._received += more
        self.check.check_size(self._received)
        if self._most_bytes is not None and self._received > self._most_bytes:
            raise TooLarge


def _strong_etag(headers: Mapping[str, str]) -> str:
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else ""


def _start(headers: Mapping[str, str]) -> int | None:
    found = re.match(r"bytes (\d{1,18})-", headers.get("Content-Range", ""))
    return int(found[1]) if found else None
