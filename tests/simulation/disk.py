"""The disk of runs in this process: they crash at any system call, write in pieces, and sometimes find no room."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any
from unittest.mock import patch

from pyrus_etl.files import disk as files_disk

PURE = ("fsencode", "fsdecode", "fspath")
SHARE_IN_PIECES = 0.3
SHARE_LOOKED_AT = 0.05


class Disk:
    """Takes the place of `os` in stores of folders.

    `touch` is called before each system call, and raises if the run is dead. `look` is called after some of them.
    `full`: whether there is no room from now on.
    """

    def __init__(self, dice: Random, touch: Callable[[], object], look: Callable[[], object]) -> None:
        self._dice, self._touch, self._look = dice, touch, look
        self._opened: set[int] = set()
        self.full = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if not callable(found) or isinstance(found, type) or name in PURE:
            return found

        def call(*given: Any, **more: Any) -> Any:
            self._touch()
            done = getattr(self, f"_{name}", found)(*given, **more)
            if self._dice.random() < SHARE_LOOKED_AT:
                self._look()
            return done

        return call

    def die(self) -> int:
        """Closes what a run has left open, as the end of a process does; returns how many files that were."""
        left = len(self._opened)
        for file in self._opened:
            with suppress(OSError):
                os.close(file)
        self._opened.clear()
        self.full = False
        return left

    def _open(self, *given: Any, **more: Any) -> int:
        file = os.open(*given, **more)
        self._opened.add(file)
        return file

    def _close(self, file: int) -> None:
        self._opened.discard(file)
        os.close(file)

    def _fsync(self, file: int) -> None:
        """Does nothing: the machine never loses its power."""

    def _write(self, file: int, content: Any) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole = memoryview(content)
        is_whole = self._dice.random() >= SHARE_IN_PIECES
        return os.write(file, whole if is_whole else whole[: self._dice.randint(1, max(len(whole), 1))])


@contextmanager
def mounted(disk: Disk) -> Iterator[None]:
    """For the block, stores in folders are on this disk."""
    with patch.object(files_disk, "os", disk):
        yield
