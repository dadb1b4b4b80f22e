"""What stops a run early: a signal, or its time limit. The run then finishes the tasks in flight first."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyrus_etl.errors import BudgetSpent, Stopped, StoppedEarly

log = logging.getLogger(__name__)

Stop = Callable[[StoppedEarly], None]


@contextmanager
def stopped_after(seconds: float | None, stop: Stop) -> Iterator[None]:
    """Asks the run to stop after `seconds`; None means no limit."""
    if seconds is None:
        yield
        return
    spent = BudgetSpent(f"The budget of {seconds:g} seconds is spent; the next run continues from here.")
    timer = asyncio.get_running_loop().call_later(seconds, stop, spent)
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Asks the run to stop on SIGINT, SIGTERM or SIGHUP; a second signal stops it at once."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if (hangup := signal.getsignal(signal.SIGHUP)) != signal.SIG_IGN:  # ignored under nohup
        before[signal.SIGHUP] = hangup

    def restore() -> None:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def on_signal(number: int) -> None:
        log.info("stopping after the tasks in flight; a second signal stops at once")
        stop(Stopped(number))
        restore()

    for number in before:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        restore()
