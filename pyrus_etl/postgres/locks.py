"""Waits for locks of other sessions a few seconds at a time, so that nobody queues behind us for long."""

import psycopg
import tenacity

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
"""The first statement of a transaction that is run by `patiently`."""

_PASSING = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


def cause_of(error: BaseException) -> BaseException:
    """The driver's error, even if SQLAlchemy wrapped it."""
    return getattr(error, "orig", None) or error


patiently = tenacity.Retrying(
    retry=tenacity.retry_if_exception(lambda error: isinstance(cause_of(error), _PASSING)),
    stop=tenacity.stop_after_attempt(5),
    wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
    reraise=True,
)
"""Repeats work a few times if it did not get a lock in time."""
