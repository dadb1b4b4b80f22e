"""Retries: which failures are tried again, after how long, and how often."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from pyrus_etl.client.meaning import Again

ATTEMPTS = 9
"""With one answer in eight faulty, one request in 130 million fails nine times in a row."""
LONGEST_WAIT = 8.0
"""Most seconds between two tries."""
LONGEST_SILENCE = 26.0
"""Seconds after which a host that cannot be reached at all is given up."""

Count = Callable[[tenacity.RetryCallState], None]
Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


def resumed(send: Callable[[], Awaitable[T]], failure: Exception) -> Callable[[], Awaitable[T]]:
    """An attempt that raises the given failure on its first call and sends on every later one.

    So the first try can be made without tenacity, whose overhead exceeds that of the request itself, and still count
    as the first of the tries.
    """
    failures = [failure]

    async def attempt() -> T:
        if failures:
            raise failures.pop()
        return await send()

    return attempt


def after_faults(count: Count, tries: int = ATTEMPTS, sleep: Sleep = asyncio.sleep) -> tenacity.AsyncRetrying:
    """Retries after a fault, with jittered exponential back-off, a bounded number of times."""
    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(Again),
        stop=lambda state: state.attempt_number >= tries or _is_silent(state),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=LONGEST_WAIT),
        before_sleep=count,
        sleep=sleep,
        reraise=True,
    )


def _is_silent(state: tenacity.RetryCallState) -> bool:
    """Whether a host that cannot be reached at all has used up its time."""
    error = state.outcome.exception() if state.outcome else None
    unreached = isinstance(error, Again) and not error.reached
    return unreached and (state.seconds_since_start or 0) > LONGEST_SILENCE
