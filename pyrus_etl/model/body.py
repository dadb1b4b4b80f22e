"""Bodies as served."""

from datetime import datetime
from typing import NamedTuple


class Body(NamedTuple):
    """The answer that a task was read from, as it can be stored, and the API that served it.

    `payload_sha256` is of the bytes as served. `fetched_at`: when it was asked for, by our clock.
    """

    payload: bytes
    payload_sha256: str
    fetched_at: datetime
    api: str
