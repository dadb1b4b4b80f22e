"""Contents for stores, in parts."""

import asyncio
from collections.abc import AsyncGenerator

from pyrus_etl.files.check import Check
from pyrus_etl.files.store import open_store


class Parts:
    """Contents in blocks; with an `error` they break off at their end."""

    media_type: str | None = "text/plain"
    key = ""

    def __init__(self, *parts: bytes, error: Exception | None = None, md5: str | None = None) -> None:
        self.check = Check(md5=md5)
        self._parts, self._error = parts, error

    async def blocks(self, start: int = 0) -> AsyncGenerator[bytes, None]:
        for part in self._parts:
            yield part
        if self._error:
            raise self._error


def put(target: str, path: str, contents: Parts) -> None:
    async def stored() -> None:
        async with open_store(target) as store:
            await store.put(path, contents)

    asyncio.run(stored())


def read(target: str, path: str) -> bytes:
    async def found() -> bytes:
        async with open_store(target, is_read_only=True) as store:
            return b"".join([block async for block in store.read(path)])

    return asyncio.run(found())
