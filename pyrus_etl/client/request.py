"""A request, and its answer."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from pyrus_etl.client.transport import Sieve

T = TypeVar("T")


class Request(NamedTuple, Generic[T]):
    """A request and the reader of its answer; see `meaning_of`.

    `sieve` removes complete parts from the body while it arrives, so an answer of any length is read in little memory;
    `read` gets the rest. `tries`: at most how often the request is sent if the answers are faulty; None: as any other.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    json: Any = None
    sieve: Sieve | None = None
    tries: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Answer(NamedTuple, Generic[T]):
    """The content of a good answer, and the server's time; `sha256` is of its body as served."""

    value: T
    date: datetime
    sha256: str
