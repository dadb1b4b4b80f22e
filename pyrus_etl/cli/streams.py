"""stdin, stdout and stderr, which may be closed, full, or read by nobody: no command ends early because of them.

A write to a standard stream never raises. What stdout could not take is remembered, and the command line decides
whether that is an error.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_DESCRIPTORS = (0, 1, 2)


class StandardStream(io.FileIO):
    """A standard stream that keeps the first error of a write, and goes on."""

    failure: OSError | None = None

    def write(self, text: "ReadableBuffer", /) -> int:
        try:
            return self._written(text)
        except OSError as error:
            self.failure = self.failure or error
            return memoryview(text).nbytes

    def _written(self, text: "ReadableBuffer") -> int:
        """Waits for a reader if the stream does not (another program may have set O_NONBLOCK on a shared pipe)."""
        while (written := super().write(text)) is None:
            select.select([], [self], [])
        return written


def prepare() -> None:
    """Makes the standard streams safe to write to; the first thing that the program does."""
    _open_missing()
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- open while the program lives
    sys.stdout = _safe(sys.stdout, 1)
    sys.stderr = _safe(sys.stderr, 2)


def _open_missing() -> None:
    """Opens the null device where a descriptor is closed: else the next file or socket would become a stream."""
    for number in _DESCRIPTORS:
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, so this one
            os.set_inheritable(opened, True)


def _safe(stream: TextIO | None, number: int) -> TextIO:
    """The same stream, its errors kept; a character that its encoding lacks is shown by its number."""
    raw = StandardStream(number, "w", closefd=False)
    encoding = stream.encoding if stream else sys.getfilesystemencoding()
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, encoding, errors="backslashreplace", line_buffering=number == 2 or raw.isatty())


def take_failure() -> OSError | None:
    """Why stdout could not be written since the last call; None if all is written or the reader has seen enough."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, StandardStream):
        return None
    failure, raw.failure = raw.failure, None
    return None if failure is None or failure.errno == errno.EPIPE else failure
