"""Files below an open folder: written aside, synced, then renamed. Links are never followed. The calls block."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pyrus_etl.errors import FileRefused, SettingsError, TargetUnavailable
from pyrus_etl.files.check import Check
from pyrus_etl.files.hints import hint

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
STRETCH = 8 << 20
"""Bytes of a large file that the disk is asked to write at once."""


class Part(NamedTuple):
    """A file aside that is being written; `name` below the folder, and its descriptor."""

    name: str
    file: int


@dataclass
class Small:
    """Whole contents on their way to a path below the folder; `error`: why they are not stored."""

    path: str
    content: bytes
    check: Check
    name: str
    part: Part | None = None
    place: int = -1
    error: Exception | None = None


class Disk:
    """An open folder; raises TargetUnavailable if it cannot be used, and FileRefused if something is in the way."""

    def __init__(self, path: Path, *, may_create: bool, may_create_parents: bool) -> None:
        if not _IS_SAFE:
            raise SettingsError(
                f"{path}: this system cannot keep contents in a folder safely; name a part of a bucket, such as "
                "s3://bucket/folder, or run this on Linux or macOS."
            )
        self._path = path
        try:
            if may_create:
                path.mkdir(parents=may_create_parents, exist_ok=True)
            self._root = os.open(path, _DIRECTORY)
        except OSError as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        os.close(self._root)

    def create(self, name: str) -> Part:
        """A new file aside; raises FileExistsError."""
        return Part(name, os.open(name, _NEW, 0o666, dir_fd=self._root))

    def reopen(self, name: str) -> Part | None:
        """A file aside, to be written further; None if it is not a file."""
        try:
            return Part(name, os.open(name, _AGAIN, dir_fd=self._root))
        except OSError:
            return None

    def finish(self, part: Part, path: str) -> None:
        """Moves a file that is whole to its place, where it is then the only one."""
        os.fsync(part.file)
        place = self._moved(part, path)
        try:
            os.fsync(place)
        finally:
            os.close(place)
        os.close(part.file)

    def store(self, contents: Sequence[Small]) -> None:
        """Stores contents together, so that the disk is waited for a few times and not for each; notes their errors.

        The disk begins to write each at once, so most of it is there when the first sync has ended.
        """
        for work in (self._write_aside, _sync, self._move, _sync_place):
            for each in contents:
                if not each.error:
                    self._done(work, each)
        for each in contents:
            self._close(each)

    def give_up(self, part: Part) -> None:
        with suppress(OSError):
            os.close(part.file)
        self.remove(part.name)

    def remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(name, dir_fd=self._root)

    def names(self) -> list[str]:
        return os.listdir(self._root)

    def open(self, path: str) -> int | None:
        """A descriptor for reading; None if the file is missing."""
        folder, _, name = path.partition("/")
        with suppress(FileNotFoundError), self._inside(folder) as place:
            return os.open(name, os.O_RDONLY | _NO_LINK | _CLOSED_IN_CHILDREN, dir_fd=place)
        return None

    def delete(self, path: str) -> None:
        """Deletes a file, and its folder if it is empty then."""
        folder, _, name = path.partition("/")
        with suppress(FileNotFoundError):
            with self._inside(folder) as place, suppress(FileNotFoundError):
                os.unlink(name, dir_fd=place)
            with suppress(OSError):  # it is not empty
                os.rmdir(folder, dir_fd=self._root)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                raise FileRefused(f"Something else is at its place in {self._path}: {error}; remove it.") from error
            raise self._unavailable(error) from error

    def _done(self, work: Callable[[Small], None], each: Small) -> None:
        try:
            with self.errors():
                work(each)
        except Exception as error:
            each.error = error

    def _write_aside(self, each: Small) -> None:
        each.check.add(each.content)
        each.check.verify()
        each.part = self.create(each.name)
        write(each.part.file, each.content)
        begin_writing(each.part.file)

    def _move(self, each: Small) -> None:
        assert each.part
        each.place = self._moved(each.part, each.path)

    def _close(self, each: Small) -> None:
        if each.place >= 0:
            os.close(each.place)
        if each.part and each.error:
            self.give_up(each.part)
        elif each.part:
            os.close(each.part.file)

    def _moved(self, part: Part, path: str) -> int:
        """Moves a file to its place, and returns the open folder in which it is."""
        folder, _, last = path.partition("/")
        is_new = self._make(folder)
        place = os.open(folder, _DIRECTORY | _NO_LINK, dir_fd=self._root)
        try:
            os.rename(part.name, last, src_dir_fd=self._root, dst_dir_fd=place)
            for other in () if is_new else os.listdir(place):
                if other != last:
                    os.unlink(other, dir_fd=place)
        except BaseException:
            os.close(place)
            raise
        return place

    def _make(self, folder: str) -> bool:
        """Creates a folder; False if it is there."""
        try:
            os.mkdir(folder, dir_fd=self._root)
        except FileExistsError:
            return False
        return True

    @contextmanager
    def _inside(self, folder: str) -> Iterator[int]:
        place = os.open(folder, _DIRECTORY | _NO_LINK, dir_fd=self._root)
        try:
            yield place
        finally:
            os.close(place)

    def _unavailable(self, error: OSError) -> TargetUnavailable:
        return TargetUnavailable(f"Files cannot be stored in {self._path}: {error.strerror}; {hint(error)}.")


def write(file: int, content: bytes) -> None:
    """Writes all of it."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def append(file: int, content: bytes, start: int) -> None:
    """Writes all of it to the end of a file, at `start`. The disk begins with every `STRETCH` that is full."""
    write(file, content)
    full = (start + len(content)) // STRETCH * STRETCH
    if full > start:
        begin_writing(file, full - STRETCH, STRETCH)


def begin_writing(file: int, start: int = 0, size: int = 0) -> None:
    """Lets the disk begin to write what will be synced soon, if the system can (Linux: posix_fadvise(2)).

    Without it, most of the writing begins when a sync waits for it. `size`: 0 is to the end.
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, start, size, os.POSIX_FADV_DONTNEED)


def read(file: int, size: int) -> bytes:
    return os.read(file, size)


def size_of(file: int) -> int:
    return os.fstat(file).st_size


def close(file: int) -> None:
    os.close(file)


def _sync(each: Small) -> None:
    assert each.part
    os.fsync(each.part.file)


def _sync_place(each: Small) -> None:
    os.fsync(each.place)
