"""Waits for locks of other sessions a few seconds at a time, so that nobody queues behind us for long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
import tenacity

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.settings import Retry
from pyrus_etl.settings.retry import LOCKS

T = TypeVar("T")

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
"""The first statement of a transaction that is run by `with_lock_retries`."""

LONGEST_WAIT = "3s"
"""For a lock that a reader needs: only a session that holds a table for itself makes readers wait."""

_PASSING = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


def cause_of(error: BaseException) -> BaseException:
    """The driver's error, even if SQLAlchemy wrapped it."""
    return getattr(error, "orig", None) or error


@contextmanager
def waiting_briefly(connection: Connection) -> Iterator[None]:
    """A transaction for reading that does not wait for long: if a table stays locked, the error names the holder."""
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_WAIT])
        yield


def with_lock_retries(work: Callable[[], T], locks: Retry = LOCKS) -> T:
    """Does the work, and repeats it a few times if it did not get a lock in time."""
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(cause_of(error), _PASSING)),
        stop=tenacity.stop_after_attempt(int(locks.attempts)),
        wait=lambda state: locks.pause(state.attempt_number),
        reraise=True,
    )
    return tries(work)
