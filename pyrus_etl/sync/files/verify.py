"""Checks stored contents against their SHA-256, and deletes those that are gone at their service; asks none."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple, Self, TypeVar

from pyrus_etl.files.store import FileStore, open_store
from pyrus_etl.files.target import stored_at
from pyrus_etl.load.files import contents, service_contents
from pyrus_etl.load.files.contents import StoredFile
from pyrus_etl.model.place import PYRUS
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store

T = TypeVar("T")

AT_ONCE = 8


class Wrong(NamedTuple):
    """Stored contents that are not right, and why."""

    uri: str
    error: str


class Kept(NamedTuple):
    """The contents of one service: which are stored, which are gone there, and what is noted about one of them.

    `first`: less than every id.
    """

    first: int | str
    stored: Callable[[Connection, int | str], list[StoredFile]]
    gone: Callable[[Connection, int | str], list[StoredFile]]
    mark_wrong: Callable[[Connection, int | str, str, str], None]
    forget: Callable[[Connection, int | str], None]


def kept_of(service: str) -> Kept:
    if service == PYRUS:
        return Kept(-(1 << 63), contents.stored, contents.gone, contents.mark_wrong, contents.forget)
    of_files = service_contents
    stored, gone = partial(of_files.stored, service=service), partial(of_files.gone, service=service)
    return Kept(
        "", stored, gone, partial(of_files.mark_wrong, service=service), partial(of_files.forget, service=service)
    )


async def verify(store: Store, service: str) -> tuple[int, list[Wrong]]:
    """Reads everything that is stored; returns how much that is, and what is wrong.

    What is wrong gets another status, so that the next download fetches it again. Raises TargetUnavailable, and then
    the rest keeps its status.
    """
    wrong: list[Wrong] = []
    checked, kept = 0, kept_of(service)
    async with _Targets() as targets:

        async def check(file: StoredFile) -> None:
            if problem := await _problem(file, await targets.of(file.stored_uri)):
                wrong.append(Wrong(file.stored_uri, problem[1]))
                await store.transaction(kept.mark_wrong, file.file_id, *problem)

        async for files in _pages(store, kept.first, kept.stored):
            checked += len(files)
            await _together(check, files)
    return checked, wrong


async def prune(store: Store, service: str) -> int:
    """Deletes contents that are gone at their service, and their rows; returns how many. Safe to repeat."""
    pruned, kept = 0, kept_of(service)
    async with _Targets() as targets:

        async def delete(file: StoredFile) -> None:
            await store.transaction(kept.mark_wrong, file.file_id, "missing", "it is gone for good")
            if file.stored_uri:
                await (await targets.of(file.stored_uri)).delete(stored_at(file.stored_uri).path)
            await store.transaction(kept.forget, file.file_id)

        async for files in _pages(store, kept.first, kept.gone):
            pruned += len(files)
            await _together(delete, files)
    return pruned


async def to_prune(store: Store, service: str) -> list[StoredFile]:
    """What `prune` would delete."""
    kept = kept_of(service)
    return [file async for files in _pages(store, kept.first, kept.gone) for file in files]


async def _pages(
    store: Store, after: int | str, page: Callable[[Connection, int | str], list[StoredFile]]
) -> AsyncIterator[list[StoredFile]]:
    while files := await store.query(page, after):
        yield files
        after = files[-1].file_id


async def _together(work: Callable[[T], Awaitable[None]], files: list[T]) -> None:
    waiting = iter(files)

    async def one_by_one() -> None:
        for file in waiting:
            await work(file)

    await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))


async def _problem(file: StoredFile, target: FileStore) -> tuple[str, str] | None:
    """The status and the error of contents that are not right."""
    digest = hashlib.sha256()
    try:
        async for block in target.read(stored_at(file.stored_uri).path):
            digest.update(block)
    except FileNotFoundError:
        return "failed", f"it is not at {file.stored_uri} any more"
    if digest.hexdigest() == file.sha256:
        return None
    return "corrupt", f"the SHA-256 of {file.stored_uri} is {digest.hexdigest()}, not {file.sha256}"


class _Targets:
    """The stores of URLs, each opened once; closes them with `async with`."""

    def __init__(self) -> None:
        self._opened: dict[str, FileStore] = {}
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def of(self, uri: str) -> FileStore:
        target = stored_at(uri).target
        async with self._lock:
            if target not in self._opened:
                store = open_store(target, is_read_only=True)
                self._opened[target] = await self._stack.enter_async_context(store)
        return self._opened[target]
