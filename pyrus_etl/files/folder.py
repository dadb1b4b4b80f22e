"""Contents in a folder, stored by threads: small ones together, large ones block by block. See `files.disk`."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from pyrus_etl.files import disk
from pyrus_etl.files.ahead import Blocks, ahead
from pyrus_etl.files.check import Check
from pyrus_etl.files.contents import Contents
from pyrus_etl.files.disk import Disk, Part, Small
from pyrus_etl.files.together import Together

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16
BLOCK = 1 << 20
CONTINUED_FROM = 1 << 20
"""Bytes of an unfinished file; a smaller one begins again."""
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")
_CONTINUABLE = re.compile(r"\.[0-9a-f]{32}\.part")


class Folder:
    """A FileStore in a folder; close it with `with`. Its calls work in threads, so they do not block the event loop."""

    def __init__(self, target: str, path: Path, *, may_create: bool, may_create_parents: bool) -> None:
        self.target = target
        self._disk = Disk(path, may_create=may_create, may_create_parents=may_create_parents)
        self._threads = ThreadPoolExecutor(THREADS, "files")
        self._small = Together(self._store_together)
        self._left: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        self._disk.close()

    async def put(self, path: str, contents: Contents) -> None:
        if part := await self._left_of(contents):
            async with aclosing(contents.blocks(contents.check.size)) as blocks:
                await self._store_in_blocks(path, part, (), blocks, contents.check)
            return
        async with aclosing(contents.blocks()) as blocks:
            first, second = await anext(blocks, b""), await anext(blocks, None)
            if second is None:  # most files are one block
                await self._small.put(Small(path, first, contents.check, _new_name()))
                return
            part = await self._in_thread(self._begin, contents.key)
            await self._store_in_blocks(path, part, (first, second), blocks, contents.check)

    async def read(self, path: str) -> AsyncIterator[bytes]:
        if (file := await self._in_thread(self._disk.open, path)) is None:
            raise FileNotFoundError(path)
        try:
            while block := await self._in_thread(disk.read, file, BLOCK):
                yield block
        finally:
            disk.close(file)

    async def delete(self, path: str) -> None:
        await self._in_thread(self._disk.delete, path)

    async def remove_unfinished(self) -> None:
        await self._in_thread(self._remove_unfinished)

    async def remove_abandoned(self) -> None:
        await self._in_thread(self._remove_abandoned)

    async def _store_together(self, contents: Sequence[Small]) -> None:
        await self._in_thread(self._disk.store, contents)

    async def _store_in_blocks(self, path: str, part: Part, first: Iterable[bytes], rest: Blocks, check: Check) -> None:
        """Each block is written and checked at the same time, while the next one arrives."""
        try:
            for block in first:
                await self._take(part.file, block, check)
            async with aclosing(ahead(rest)) as blocks:
                async for block in blocks:
                    await self._take(part.file, block, check)
            check.verify()
            await self._in_thread(self._disk.finish, part, path)
        except BaseException:
            await self._in_thread(self._disk.give_up, part)
            raise

    async def _take(self, file: int, block: bytes, check: Check) -> None:
        start, checking = check.size, asyncio.ensure_future(self._in_thread(check.add, block))
        try:
            await self._in_thread(disk.append, file, block, start)
        finally:
            await checking

    def _begin(self, key: str = "") -> Part:
        """A new file; one with a key can be continued if this run is killed."""
        if key:
            with suppress(FileExistsError):  # another run has it
                return self._disk.create(_name_of(key))
        return self._disk.create(_new_name())

    async def _left_of(self, contents: Contents) -> Part | None:
        """The beginning of contents that a killed run left, added to their check; None if there is none."""
        if not contents.key or (name := _name_of(contents.key)) not in self._left:
            return None
        self._left.remove(name)
        return await self._in_thread(self._reopened, name, contents.check)

    def _reopened(self, name: str, check: Check) -> Part | None:
        if (part := self._disk.reopen(name)) is None:
            return None
        if disk.size_of(part.file) < CONTINUED_FROM:
            self._disk.give_up(part)
            return None
        try:
            while block := disk.read(part.file, BLOCK):
                check.add(block)
        except BaseException:
            self._disk.give_up(part)
            raise
        return part

    def _remove_unfinished(self) -> None:
        names = self._disk.names()
        self._left = set(filter(_CONTINUABLE.fullmatch, names))
        for name in filter(_UNFINISHED.fullmatch, names):
            self._disk.remove(name)

    def _remove_abandoned(self) -> None:
        self._left.clear()
        for name in self._disk.names():
            if _UNFINISHED.fullmatch(name) or _CONTINUABLE.fullmatch(name):
                self._disk.remove(name)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Waits for the thread even if it is cancelled, because the thread has the file."""

        def call() -> T:
            with self._disk.errors():
                return work(*args, **options)

        working = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait({working})
            raise


def _name_of(key: str) -> str:
    return f".{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}.part"


def _new_name() -> str:
    return f".{secrets.token_hex(8)}.part"
