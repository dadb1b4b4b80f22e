"""Makes stdin, stdout and stderr safe: a closed stream, a full disk or a reader that left does not end a command.

A write to a standard stream never raises. The first error of stdout is kept; the command line decides what it means.
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
    """A standard stream that keeps the first error of a write and goes on."""

    failure: OSError | None = None
    is_used: bool = False

    def write(self, text: "ReadableBuffer", /) -> int:
        self.is_used = True
        try:
            return self._write(text)
        except OSError as error:
            self.failure = self.failure or error
            return memoryview(text).nbytes

    def _write(self, text: "ReadableBuffer") -> int:
        """Writes, and waits for a reader even if another program has set O_NONBLOCK on a shared pipe."""
        while (written := super().write(text)) is None:
            select.select([], [self], [])
        return written


def prepare() -> None:
    """Makes the standard streams safe to write to. Called before anything else."""
    _open_missing()
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- stays open until the program ends
    sys.stdout = _safe(sys.stdout, 1)
    sys.stderr = _safe(sys.stderr, 2)


def _open_missing() -> None:
    """Opens the null device for closed descriptors, so that no file or socket takes their numbers."""
    for number in _DESCRIPTORS:
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, so this one
            os.set_inheritable(opened, True)


def _safe(stream: TextIO | None, number: int) -> TextIO:
    """Returns the same stream as a StandardStream; characters that its encoding lacks are written as escapes.

    A console of Windows stays as it is: only Python's own stream writes Unicode to it.
    """
    if os.name == "nt" and stream and stream.isatty():
        return stream
    raw = StandardStream(number, "w", closefd=False)
    encoding = stream.encoding if stream else sys.getfilesystemencoding()
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, encoding, errors="backslashreplace", line_buffering=number == 2 or raw.isatty())


def take_failure() -> OSError | None:
    """Returns the first error of stdout since the last call.

    None if everything was written, or if the reader closed the pipe, as `head` does.
    """
    if (raw := _flushed_stdout()) is None:
        return None
    failure, raw.failure = raw.failure, None
    return None if failure is None or failure.errno == errno.EPIPE else failure


def has_printed() -> bool:
    """Whether anything was written to stdout."""
    raw = _flushed_stdout()
    return raw is not None and raw.is_used


def _flushed_stdout() -> StandardStream | None:
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, StandardStream) else None
