"""The signals that end a program. Each system has some of them: Windows has no SIGHUP, and SIGBREAK in its place."""

import os
import signal

TERMINATING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)  # SIGHUP and SIGBREAK: the terminal was closed


def heeded() -> list[int]:
    """Those of them that this process does not ignore; nohup ignores SIGHUP."""
    return [number for number in TERMINATING if signal.getsignal(number) != signal.SIG_IGN]


def end_at_once() -> None:
    """Until the command line takes over, the terminating signals and SIGINT end the program, without a traceback."""
    for number in (signal.SIGINT, *TERMINATING):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda caught, _: os._exit(128 + caught))
