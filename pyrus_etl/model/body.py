"""Bodies as served, and what was read from them."""

from datetime import datetime
from typing import NamedTuple

from pyrus_etl.model.task import Task


class Body(NamedTuple):
    """The answer that a task was read from, as it can be stored, and the API that served it.

    `payload_sha256` is of the bytes as served. `fetched_at`: when it was asked for, by our clock.
    """

    payload: bytes
    payload_sha256: str
    fetched_at: datetime
    api: str


class Fetched(NamedTuple):
    """A complete task and the body it was read from.

    `server_time`: the server's clock when it answered. `unreadable`: how many values of the body could not be read.
    """

    task: Task
    body: Body
    server_time: datetime
    unreadable: int = 0
