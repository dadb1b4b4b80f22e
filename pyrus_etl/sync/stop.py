"""What ends a run early: a signal, or its time. Both ask only: the run ends after the work in hand."""

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
    """Asks the run to end when its time is spent; None is no limit."""
    if seconds is None:
        yield
        return
    spent = BudgetSpent(f"The budget of {seconds:g} seconds is spent; the next run goes on from here.")
    timer = asyncio.get_running_loop().call_later(seconds, stop, spent)
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP ask the run to end; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if (hangup := signal.getsignal(signal.SIGHUP)) != signal.SIG_IGN:  # ignored under nohup
        before[signal.SIGHUP] = hangup

    def restore() -> None:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def asked(number: int) -> None:
        log.info("stopping after the work in hand; a second signal stops at once")
        stop(Stopped(number))
        restore()

    for number in before:
        loop.add_signal_handler(number, asked, number)
    try:
        yield
    finally:
        restore()
