"""Locks that somebody else has: waited for a few seconds at a time, so that nobody queues behind us for long."""

import psycopg
import tenacity

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
"""To be said first in a transaction that is done `patiently`."""

_PASSING = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


def cause_of(error: BaseException) -> BaseException:
    """What the driver said, where SQLAlchemy wrapped it."""
    return getattr(error, "orig", None) or error


patiently = tenacity.Retrying(
    retry=tenacity.retry_if_exception(lambda error: isinstance(cause_of(error), _PASSING)),
    stop=tenacity.stop_after_attempt(5),
    wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
    reraise=True,
)
"""Does work again, a few times, that could not have a lock soon enough."""
