"""What a run and its worker processes tell each other, and how: pickled messages over pipes.

Both ends are the same program, and nobody else has the pipes.
"""

import pickle
import struct
from datetime import datetime
from io import RawIOBase
from typing import Any, NamedTuple
from uuid import UUID

from pyrus_etl.client.client import LoggedIn
from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.schema.counts import Counts
from pyrus_etl.settings import Settings
from pyrus_etl.sync.tasks.task import Outcome, Wanted

LENGTH = struct.Struct(">I")


class Given(NamedTuple):
    """What a worker begins with: the run whose lock it works under, its login, and the level of its log lines."""

    settings: Settings
    run_id: UUID
    account_id: int
    logged_in: LoggedIn
    log_level: int


class Part(NamedTuple):
    """Tasks to fetch and to commit. `rejected`: those of them that earlier runs have set aside."""

    wanted: list[Wanted]
    rejected: frozenset[int]


class Stop(NamedTuple):
    """Commit what has been fetched, and end."""


class Committed(NamedTuple):
    """Tasks that were committed together, each with its outcome and the date of its body, and what they count."""

    outcomes: list[tuple[int, Outcome, datetime | None]]
    counts: Counts


class Failed(NamedTuple):
    """The worker ends with an error, which ends the run."""

    error: PyrusEtlError


class Logged(NamedTuple):
    """A log line."""

    name: str
    level: int
    message: str


def packed(message: object) -> bytes:
    """A message with its length."""
    text = pickle.dumps(message)
    return LENGTH.pack(len(text)) + text


def unpacked(text: bytes) -> Any:
    return pickle.loads(text)  # noqa: S301 -- from our own process


def read_from(stream: RawIOBase) -> Any:
    """The next message; None at the end of the stream."""
    head = _read(stream, LENGTH.size)
    return unpacked(_read(stream, *LENGTH.unpack(head))) if head else None


def _read(stream: RawIOBase, length: int) -> bytes:
    """This number of bytes; none at the end of the stream."""
    found = b""
    while len(found) < length:
        more = stream.read(length - len(found))
        if not more:
            return b""
        found += more
    return found
