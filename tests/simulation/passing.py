"""Time that passes at once: a clock for code that waits in this process, and the same clock for its database."""

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from pyrus_etl.client import clock as client_clock
from pyrus_etl.postgres import store
from pyrus_etl.sync import result

BEGINNING = 1_000_000.0
_MONOTONIC, _SLEEP = time.monotonic, time.sleep


class Time:
    """The monotonic clock of a history, in seconds. Instead of waiting, code puts it forward.

    `show` is called when code waits in the middle of its work, so that others see the time too.
    """

    def __init__(self) -> None:
        self.show: Callable[[], object] = lambda: None
        self._now = BEGINNING
        self._later: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        """Puts the clock forward; everything that is due by then happens."""
        end = self._now + max(0.0, seconds)
        while self._later and self._later[0][0] <= end:
            self._now, _, happens = heapq.heappop(self._later)
            happens()
        self._now = end

    def pass_by(self, seconds: float | None) -> None:
        """Waits for a timer; raises RuntimeError if there is none."""
        if seconds is None:
            raise RuntimeError("the run waits for something that will never happen")
        self.sleep(seconds)

    def wait(self, seconds: float) -> None:
        """Waits on behalf of the running code."""
        self.sleep(seconds)
        self.show()

    def next_time(self) -> float:
        """When the next scheduled thing happens."""
        return self._later[0][0] if self._later else math.inf

    def after(self, seconds: float, happens: Callable[[], object]) -> None:
        """Schedules something for later."""
        heapq.heappush(self._later, (self._now + seconds, next(self._numbers), happens))


@contextmanager
def passing(clock: Time, today: Callable[[], datetime]) -> Iterator[None]:
    """Within the block, code in this thread uses the clock, and puts it forward instead of waiting.

    `today`: the time of day by our clock.
    """

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return today().astimezone(tz)

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock.wait(timeout or 0.0)
            return self.is_set()

    with (
        patch.object(time, "monotonic", clock.now),
        patch.object(time, "sleep", clock.wait),
        patch.object(client_clock, "datetime", Datetime),
        patch.object(result, "datetime", Datetime),
        patch.object(store, "threading", SimpleNamespace(Event=Event)),
    ):
        yield


@contextmanager
def really_waiting() -> Iterator[None]:
    """Within the block, `passing` is off, because a server needs real time."""
    with patch.object(time, "monotonic", _MONOTONIC), patch.object(time, "sleep", _SLEEP):
        yield
