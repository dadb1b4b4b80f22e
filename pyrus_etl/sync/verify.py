"""Checks stored contents against their SHA-256, and deletes those that no task has any more. Asks Pyrus for nothing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NamedTuple, Self, TypeVar

from pyrus_etl.files.store import FileStore, open_store
from pyrus_etl.files.target import stored_at
from pyrus_etl.load import service_contents
from pyrus_etl.load.contents import StoredFile, forget, gone, mark_wrong, stored
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store

T = TypeVar("T")

AT_ONCE = 8


class Wrong(NamedTuple):
    """Stored contents that are not right, and why."""

    uri: str
    error: str


async def verify(store: Store) -> tuple[int, list[Wrong]]:
    """Reads everything that is stored; returns how much that is, and what is wrong.

    What is wrong gets another status, so that the next download fetches it again. Raises TargetUnavailable, and then
    the rest keeps its status.
    """
    wrong: list[Wrong] = []
    checked = 0
    async with _Targets() as targets:

        async def check(file: StoredFile) -> None:
            if problem := await _problem(file, await targets.of(file.stored_uri)):
                wrong.append(Wrong(file.stored_uri, problem[1]))
                await store.transaction(mark_wrong, file.attachment_id, *problem)

        async for files in _pages(store, stored):
            checked += len(files)
            await _together(check, files)
    return checked, wrong


async def verify_service(store: Store, service: str) -> tuple[int, list[Wrong]]:
    """The same for contents of files at another service."""
    wrong: list[Wrong] = []
    files = await store.query(service_contents.stored, service)
    async with _Targets() as targets:

        async def check(file: service_contents.ServiceStored) -> None:
            if problem := await _problem(file, await targets.of(file.stored_uri)):
                wrong.append(Wrong(file.stored_uri, problem[1]))
                await store.transaction(service_contents.mark_wrong, service, file.file_id, *problem)

        await _together(check, files)
    return len(files), wrong


async def prune(store: Store) -> int:
    """Deletes contents that no task has any more, and their rows; returns how many. Safe to repeat after a kill."""
    pruned = 0
    async with _Targets() as targets:

        async def delete(file: StoredFile) -> None:
            await store.transaction(mark_wrong, file.attachment_id, "missing", "no task has it any more")
            if file.stored_uri:
                await (await targets.of(file.stored_uri)).delete(stored_at(file.stored_uri).path)
            await store.transaction(forget, file.attachment_id)

        async for files in _pages(store, gone):
            pruned += len(files)
            await _together(delete, files)
    return pruned


async def to_prune(store: Store) -> list[StoredFile]:
    """What `prune` would delete."""
    return [file async for files in _pages(store, gone) for file in files]


async def _pages(store: Store, page: Callable[[Connection, int], list[StoredFile]]) -> AsyncIterator[list[StoredFile]]:
    after = -(1 << 63)
    while files := await store.query(page, after):
        yield files
        after = files[-1].attachment_id


async def _together(work: Callable[[T], Awaitable[None]], files: list[T]) -> None:
    waiting = iter(files)

    async def one_by_one() -> None:
        for file in waiting:
            await work(file)

    await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))


async def _problem(file: StoredFile | service_contents.ServiceStored, target: FileStore) -> tuple[str, str] | None:
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
