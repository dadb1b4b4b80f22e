"""What stops a run early: a signal, or its time limit. The run then finishes the tasks in flight first."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from pyrus_etl.errors import BudgetSpent, Stopped, StoppedEarly
from pyrus_etl.signals import heeded

log = logging.getLogger(__name__)
T = TypeVar("T")


class Stop:
    """Whether a run was asked to stop, and why. Use it in the thread of the event loop only."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.reason: StoppedEarly | None = None

    def ask(self, reason: StoppedEarly) -> None:
        """Asks the run to stop after the tasks in flight; the latest reason counts."""
        self.reason = reason
        self.asked.set()

    def check(self) -> None:
        """Raises the reason if the run was asked to stop."""
        if self.reason:
            raise self.reason

    async def unless_asked(self, request: Coroutine[Any, Any, T]) -> T:
        """Waits for an answer; if the run is asked to stop first, cancels the request and raises the reason."""
        answer, asked = asyncio.create_task(request), asyncio.create_task(self.asked.wait())
        try:
            await asyncio.wait({answer, asked}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:  # the request ends with the one who waits for it
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)
            raise
        finally:
            asked.cancel()
        if not answer.done():
            answer.cancel()
            self.check()
        return await answer


@contextmanager
def stopped_after(seconds: float | None, stop: Stop) -> Iterator[None]:
    """Asks the run to stop after `seconds`; None means no limit."""
    if seconds is None:
        yield
        return
    spent = BudgetSpent(f"The budget of {seconds:g} seconds is spent; the next run continues from here.")
    timer = asyncio.get_running_loop().call_later(seconds, stop.ask, spent)
    try:
        yield
    finally:
        timer.cancel()


@asynccontextmanager
async def stopped_with(stop: Stop) -> AsyncIterator[Stop]:
    """A stop for one run, which is asked when `stop` is: a run that has spent its budget ends alone."""
    own = Stop()

    async def follow() -> None:
        await stop.asked.wait()
        assert stop.reason
        own.ask(stop.reason)

    following = asyncio.create_task(follow())
    try:
        yield own
    finally:
        following.cancel()


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Asks the run to stop on SIGINT, SIGTERM or SIGHUP; a second signal stops it at once.

    Only the main thread may handle signals (https://docs.python.org/3/library/signal.html#signals-and-threads).
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *heeded())}

    def restore() -> None:
        for number, handler in before.items():
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def on_signal(number: int) -> None:
        log.info("stopping after the tasks in flight; a second signal stops at once")
        stop.ask(Stopped(number))
        restore()

    for number in before:
        _handle(number, loop, on_signal)
    try:
        yield
    finally:
        restore()


def _handle(number: int, loop: asyncio.AbstractEventLoop, on_signal: Callable[[int], None]) -> None:
    """Lets the loop handle a signal; on Windows its loops cannot."""
    try:
        loop.add_signal_handler(number, on_signal, number)
    except NotImplementedError:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal, number))
