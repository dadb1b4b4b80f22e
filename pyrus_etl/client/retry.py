"""When a request is sent again, and after how long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from pyrus_etl.client.meaning import Again

ATTEMPTS = 9
"""With one answer in eight faulty, one request in 130 million fails nine times in a row."""
LONGEST_WAIT = 8.0
LONGEST_SILENCE = 26.0

Count = Callable[[tenacity.RetryCallState], None]
Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


def resumed(send: Callable[[], Awaitable[T]], failure: Exception) -> Callable[[], Awaitable[T]]:
    """What fails with this failure at first and sends only then.

    So a first try can be made without tenacity, which takes longer over it than the request itself, and still be the
    first of its tries.
    """
    failures = [failure]

    async def attempt() -> T:
        if failures:
            raise failures.pop()
        return await send()

    return attempt


def after_faults(count: Count, tries: int = ATTEMPTS, sleep: Sleep = asyncio.sleep) -> tenacity.AsyncRetrying:
    """Tries again after a fault, with jittered exponential back-off, a bounded number of times."""
    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(Again),
        stop=lambda state: state.attempt_number >= tries or _is_silent(state),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=LONGEST_WAIT),
        before_sleep=count,
        sleep=sleep,
        reraise=True,
    )


def _is_silent(state: tenacity.RetryCallState) -> bool:
    """Whether the time is over that a host gets which cannot be reached at all."""
    error = state.outcome.exception() if state.outcome else None
    lost = isinstance(error, Again) and not error.reached
    return lost and (state.seconds_since_start or 0) > LONGEST_SILENCE
