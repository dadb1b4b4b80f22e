"""The lock that allows one run per database and account: a row with a lease.

It is a row because a pooler that shares sessions would lose an advisory lock. The holder renews its lease in every
transaction, so a run that lost it cannot commit. A lease that is not renewed expires, so a dead holder does not block
others for long.
"""

import os
import socket
import threading
import time
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import psycopg

from pyrus_etl.errors import LockHeld
from pyrus_etl.postgres.connection import Connection

LEASE_SECONDS = 8
RENEW_SECONDS = 2

_ACQUIRE = """
    INSERT INTO pyrus.sync_leases AS held (account_id, run_id, holder, acquired_at, expires_at)
    VALUES (%(account_id)s, %(run_id)s, %(holder)s, clock_timestamp(), clock_timestamp() + %(lease)s * interval '1s')
    ON CONFLICT (account_id) DO UPDATE
    SET run_id = EXCLUDED.run_id, holder = EXCLUDED.holder,
        acquired_at = EXCLUDED.acquired_at, expires_at = EXCLUDED.expires_at
    WHERE held.expires_at < clock_timestamp() OR held.run_id = EXCLUDED.run_id
    RETURNING run_id
"""
_BRIEFLY = """
    SELECT set_config('idle_in_transaction_session_timeout', '5s', true), set_config('lock_timeout', %s, true)
"""
_RENEW = """
    UPDATE pyrus.sync_leases SET expires_at = clock_timestamp() + %(lease)s * interval '1s'
    WHERE account_id = %(account_id)s AND run_id = %(run_id)s
    RETURNING set_config('idle_in_transaction_session_timeout', '5s', true), set_config('lock_timeout', '30s', true)
"""
"""With the settings of `briefly`, in the same round trip."""


class Held(NamedTuple):
    """The holder of a lock, when it was taken, and when it expires unless renewed."""

    holder: str
    acquired_at: datetime
    expires_at: datetime


class Lease(NamedTuple):
    """The lock of one account, held by one run."""

    account_id: int
    run_id: UUID


def briefly(connection: Connection, wait: str = "30s") -> None:
    """For the caller's transaction: the server ends it if we freeze in it or our machine dies, and limits its waits.

    Whatever it has locked would be locked for hours.
    """
    connection.execute(_BRIEFLY, [wait])


def acquire(connection: Connection, lease: Lease, given_up: threading.Event) -> None:
    """Takes the lock. Raises LockHeld, which names the holder, if a living run has it or the wait is given up.

    It waits to see whether the holder renews its lease, which a living one does every few seconds. A holder that does
    not is dead, and its lock is taken over when the lease has expired. Safe to repeat.
    """
    first: Held | None = None
    end = time.monotonic() + LEASE_SECONDS + 1
    while not _take(connection, lease):
        held = _holder_of(connection, lease.account_id)
        first = first or held
        if given_up.wait(0.25) or time.monotonic() > end or (held and held != first):
            raise refusal(lease.account_id, held)


def holder(connection: Connection, account_id: int) -> Held | None:
    """The holder of an account's lock, if its lease has not expired."""
    held = _holder_of(connection, account_id)
    ((now,),) = connection.execute("SELECT clock_timestamp()").fetchall()
    return held if held and held.expires_at > now else None


def _take(connection: Connection, lease: Lease) -> bool:
    parameters = {
        "account_id": lease.account_id,
        "run_id": lease.run_id,
        "holder": _ourselves(),
        "lease": LEASE_SECONDS,
    }
    try:
        with connection.transaction():
            briefly(connection, wait="2s")
            return connection.execute(_ACQUIRE, parameters).fetchone() is not None
    except psycopg.errors.LockNotAvailable:  # its holder is in the middle of a commit
        return False


def renew(connection: Connection, lease: Lease) -> None:
    """Confirms and extends the lease inside the caller's transaction; raises LockHeld if another run has it."""
    parameters = {"account_id": lease.account_id, "run_id": lease.run_id, "lease": LEASE_SECONDS}
    if connection.execute(_RENEW, parameters).rowcount != 1:
        raise refusal(lease.account_id, _holder_of(connection, lease.account_id))


def release(connection: Connection, lease: Lease) -> None:
    connection.execute("DELETE FROM pyrus.sync_leases WHERE account_id = %s AND run_id = %s", lease)


def _holder_of(connection: Connection, account_id: int) -> Held | None:
    query = "SELECT holder, acquired_at, expires_at FROM pyrus.sync_leases WHERE account_id = %s"
    found = connection.execute(query, [account_id]).fetchone()
    return Held(*found) if found else None


def refusal(account_id: int, held: Held | None) -> LockHeld:
    """The error of a run that ends because another run is at work."""
    if held is None:
        return LockHeld(f"Another run of account {account_id} has taken the lock; try again.")
    return LockHeld(
        f"Another run of account {account_id} works on this database: {held.holder}, "
        f"since {held.acquired_at:%Y-%m-%d %H:%M:%S %Z}; wait for it to end."
    )


def _ourselves() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
