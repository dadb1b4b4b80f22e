"""What a worker is started for. This needs no queue, so that `worker --help` needs no extra."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyrus_etl.cluster.kinds import KINDS
from pyrus_etl.cluster.slices import SLICE
from pyrus_etl.sync.run import Budget

PLAN_EVERY = timedelta(seconds=5)
MOST_ACCOUNTS = 25
"""Each has a thread and a connection."""


@dataclass(frozen=True)
class Duty:
    """What a worker does.

    `places`: accounts at once. `kinds`: of jobs that it takes. `budget`: of a slice. `plan_every`: how often one of the
    workers puts what is due into the queue.
    """

    name: str
    places: int = MOST_ACCOUNTS
    kinds: Sequence[str] = KINDS
    budget: Budget = SLICE
    plan_every: timedelta = PLAN_EVERY


def own_name() -> str:
    """A name that no other process has."""
    return f"{socket.gethostname()}:{os.getpid()}"
