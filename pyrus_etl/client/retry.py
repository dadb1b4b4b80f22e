"""Tries a request again after a fault."""

import itertools
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pyrus_etl.client.meaning import Again
from pyrus_etl.settings import Waits

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


async def retried(
    send: Callable[[], Awaitable[T]], waits: Waits, tries: int | None, sleep: Sleep, count: Callable[[Again], None]
) -> T:
    """Sends, and sends again while another try may help; raises the last failure.

    `tries`: at most how many, if fewer than `Waits.requests` allows. `count` is called before each further one.
    """
    began = 0.0
    for failures in itertools.count(1):
        try:
            return await send()
        except Again as failure:
            began = began or time.monotonic()
            is_silent = not failure.reached and time.monotonic() - began > waits.unreachable
            if failures >= min(tries or failures + 1, waits.requests.attempts) or is_silent:
                raise
            count(failure)
        await sleep(waits.requests.pause(failures))
    raise AssertionError("counting never ends")
