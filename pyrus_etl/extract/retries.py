"""When a request is sent again, and after how long."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from pyrus_etl.extract.answer import Again, QuotaSpent

ATTEMPTS = 9
"""With one answer in eight faulty, one request in 130 million fails nine times in a row."""
LONGEST_WAIT = 8.0
LONGEST_SILENCE = 32.0
LONGEST_QUOTA_WAIT = 3600.0

Count = Callable[[tenacity.RetryCallState], None]
T = TypeVar("T")

_a_moment = tenacity.wait_random(0.01, 0.2)
_a_growing_while = tenacity.wait_random_exponential(multiplier=1, max=60)


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


def after_faults(count: Count, tries: int = ATTEMPTS) -> tenacity.AsyncRetrying:
    """Tries again after a fault, with jittered exponential back-off, a bounded number of times."""
    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(Again),
        stop=lambda state: state.attempt_number >= tries or _is_silent(state),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=LONGEST_WAIT),
        before_sleep=count,
        reraise=True,
    )


def after_quota(count: Count) -> tenacity.AsyncRetrying:
    """Waits for the quota as long as the server says; that is no fault and no failed attempt."""
    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(QuotaSpent),
        stop=tenacity.stop_after_delay(LONGEST_QUOTA_WAIT),
        wait=_as_told,
        before_sleep=count,
        reraise=True,
    )


def _is_silent(state: tenacity.RetryCallState) -> bool:
    """Whether the time is over that a host gets which cannot be reached at all."""
    error = state.outcome.exception() if state.outcome else None
    lost = isinstance(error, Again) and not error.reached
    return lost and (state.seconds_since_start or 0) > LONGEST_SILENCE


def _as_told(state: tenacity.RetryCallState) -> float:
    """As long as the server says, and a moment, so that not all come back at once; else a growing while."""
    error = state.outcome.exception() if state.outcome else None
    told = error.after if isinstance(error, QuotaSpent) else None
    return _a_growing_while(state) if told is None else told + _a_moment(state)
