"""Contents in a folder: written aside, synced to the disk, then renamed. Links below the folder are never followed."""

import asyncio
import errno
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, ParamSpec, Self, TypeVar

from pyrus_etl.errors import FileRefused, SettingsError, TargetUnavailable
from pyrus_etl.files.ahead import Blocks, ahead
from pyrus_etl.files.check import Check
from pyrus_etl.files.contents import Contents
from pyrus_etl.files.hints import hint

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16
BLOCK = 1 << 20
CONTINUED_FROM = 1 << 20
"""Bytes of an unfinished file; a smaller one begins again."""
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")
_CONTINUABLE = re.compile(r"\.[0-9a-f]{32}\.part")
_IN_THE_WAY = {
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.ENAMETOOLONG,
    errno.EILSEQ,
}
"""Errors that concern one file; any other would stop the next file too."""
_IS_SAFE = os.open in os.supports_dir_fd
_NO_LINK, _CLOSED_IN_CHILDREN = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_CLOEXEC", 0)  # Windows lacks them
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _CLOSED_IN_CHILDREN
_AGAIN = os.O_RDWR | _NO_LINK | _CLOSED_IN_CHILDREN
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _CLOSED_IN_CHILDREN


class Part(NamedTuple):
    """A file aside that is being written; `name` below the target, and its descriptor."""

    name: str
    file: int


class Folder:
    """A FileStore in a folder; close it with `with`. Its calls work in threads, so they do not block the event loop."""

    def __init__(self, target: str, path: Path, *, may_create: bool, may_create_parents: bool) -> None:
        if not _IS_SAFE:
            raise SettingsError(
                f"{path}: this system cannot keep contents in a folder safely; name a part of a bucket, such as "
                "s3://bucket/folder, or run this on Linux or macOS."
            )
        self.target = target
        self._path = path
        try:
            if may_create:
                path.mkdir(parents=may_create_parents, exist_ok=True)
            self._root = os.open(path, _DIRECTORY)
        except OSError as error:
            raise self._unavailable(error) from error
        self._threads = ThreadPoolExecutor(THREADS, "files")
        self._left: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        os.close(self._root)

    async def put(self, path: str, contents: Contents) -> None:
        if part := await self._left_of(contents):
            async with aclosing(contents.blocks(contents.check.size)) as blocks:
                await self._store_in_blocks(path, part, (), blocks, contents.check)
            return
        async with aclosing(contents.blocks()) as blocks:
            first, second = await anext(blocks, b""), await anext(blocks, None)
            if second is None:  # most files are one block: one call in a thread
                await self._in_thread(self._store_at_once, path, first, contents.check)
                return
            part = await self._in_thread(self._begin, contents.key)
            await self._store_in_blocks(path, part, (first, second), blocks, contents.check)

    async def read(self, path: str) -> AsyncIterator[bytes]:
        if (file := await self._in_thread(self._open, path)) is None:
            raise FileNotFoundError(path)
        try:
            while block := await self._in_thread(os.read, file, BLOCK):
                yield block
        finally:
            os.close(file)

    async def delete(self, path: str) -> None:
        await self._in_thread(self._delete, path)

    async def remove_unfinished(self) -> None:
        await self._in_thread(self._remove_unfinished)

    async def remove_abandoned(self) -> None:
        await self._in_thread(self._remove_abandoned)

    async def _store_in_blocks(self, path: str, part: Part, first: Iterable[bytes], rest: Blocks, check: Check) -> None:
        """Each block is written and checked at the same time, while the next one arrives."""
        try:
            for block in first:
                await self._take(part.file, block, check)
            async with aclosing(ahead(rest)) as blocks:
                async for block in blocks:
                    await self._take(part.file, block, check)
            check.verify()
            await self._in_thread(self._finish, part, path)
        except BaseException:
            await self._in_thread(self._give_up, part)
            raise

    async def _take(self, file: int, block: bytes, check: Check) -> None:
        checking = asyncio.ensure_future(self._in_thread(check.add, block))
        try:
            await self._in_thread(_write, file, block)
        finally:
            await checking

    def _store_at_once(self, path: str, content: bytes, check: Check) -> None:
        check.add(content)
        check.verify()
        part = self._begin()
        try:
            _write(part.file, content)
            self._finish(part, path)
        except BaseException:
            self._give_up(part)
            raise

    def _begin(self, key: str = "") -> Part:
        """A new file; one with a key can be continued if this run is killed."""
        if key:
            with suppress(FileExistsError):  # another run has it
                return self._created(_name_of(key))
        return self._created(f".{secrets.token_hex(8)}.part")

    def _created(self, name: str) -> Part:
        return Part(name, os.open(name, _NEW, 0o666, dir_fd=self._root))

    async def _left_of(self, contents: Contents) -> Part | None:
        """The beginning of contents that a killed run left, added to their check; None if there is none."""
        if not contents.key or (name := _name_of(contents.key)) not in self._left:
            return None
        self._left.remove(name)
        return await self._in_thread(self._reopened, name, contents.check)

    def _reopened(self, name: str, check: Check) -> Part | None:
        try:
            part = Part(name, os.open(name, _AGAIN, dir_fd=self._root))
        except OSError:  # it is not a file
            return None
        if os.fstat(part.file).st_size < CONTINUED_FROM:
            self._give_up(part)
            return None
        try:
            while block := os.read(part.file, BLOCK):
                check.add(block)
        except BaseException:
            self._give_up(part)
            raise
        return part

    def _finish(self, part: Part, path: str) -> None:
        """Moves a file that is whole to its place, where it is then the only one."""
        os.fsync(part.file)
        folder, _, last = path.partition("/")
        is_new = self._make(folder)
        with self._inside(folder) as place:
            os.rename(part.name, last, src_dir_fd=self._root, dst_dir_fd=place)
            for other in () if is_new else os.listdir(place):
                if other != last:
                    os.unlink(other, dir_fd=place)
            os.fsync(place)
        os.close(part.file)

    def _make(self, folder: str) -> bool:
        """Creates a folder; False if it is there."""
        try:
            os.mkdir(folder, dir_fd=self._root)
        except FileExistsError:
            return False
        return True

    def _give_up(self, part: Part) -> None:
        with suppress(OSError):
            os.close(part.file)
        self._remove(part.name)

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(name, dir_fd=self._root)

    @contextmanager
    def _inside(self, folder: str) -> Iterator[int]:
        place = os.open(folder, _DIRECTORY | _NO_LINK, dir_fd=self._root)
        try:
            yield place
        finally:
            os.close(place)

    def _open(self, path: str) -> int | None:
        folder, _, name = path.partition("/")
        with suppress(FileNotFoundError), self._inside(folder) as place:
            return os.open(name, os.O_RDONLY | _NO_LINK | _CLOSED_IN_CHILDREN, dir_fd=place)
        return None

    def _delete(self, path: str) -> None:
        folder, _, name = path.partition("/")
        with suppress(FileNotFoundError):
            with self._inside(folder) as place, suppress(FileNotFoundError):
                os.unlink(name, dir_fd=place)
            with suppress(OSError):  # it is not empty
                os.rmdir(folder, dir_fd=self._root)

    def _remove_unfinished(self) -> None:
        names = os.listdir(self._root)
        self._left = set(filter(_CONTINUABLE.fullmatch, names))
        for name in filter(_UNFINISHED.fullmatch, names):
            os.unlink(name, dir_fd=self._root)

    def _remove_abandoned(self) -> None:
        self._left.clear()
        for name in os.listdir(self._root):
            if _UNFINISHED.fullmatch(name) or _CONTINUABLE.fullmatch(name):
                self._remove(name)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Waits for the thread even if it is cancelled, because the thread has the file."""

        def call() -> T:
            with self._errors():
                return work(*args, **options)

        working = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait({working})
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                raise FileRefused(f"Something else is at its place in {self._path}: {error}; remove it.") from error
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> TargetUnavailable:
        return TargetUnavailable(f"Files cannot be stored in {self._path}: {error.strerror}; {hint(error)}.")


def _name_of(key: str) -> str:
    return f".{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}.part"


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
