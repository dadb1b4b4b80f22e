"""The signals that end a program. Each system has some of them: Windows has no SIGHUP, and SIGBREAK in its place."""

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

TERMINATING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)  # SIGHUP and SIGBREAK: the terminal was closed


def heeded() -> list[int]:
    """Those of them that this process does not ignore; nohup ignores SIGHUP."""
    return [number for number in TERMINATING if signal.getsignal(number) != signal.SIG_IGN]


def end_at_once() -> None:
    """Until the command line takes over, the terminating signals and SIGINT end the program, without a traceback.

    With --json it prints its object nevertheless.
    """
    for number in (signal.SIGINT, *TERMINATING):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, _: object) -> NoReturn:
    name, code = signal.Signals(number).name, 128 + number
    if "--json" in sys.argv:
        with suppress(OSError):
            os.write(1, f'{{"status":"failed","error":"Stopped by {name}.","exit_code":{code}}}\n'.encode())
    os._exit(code)
