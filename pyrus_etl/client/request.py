"""A request, and its answer."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from pyrus_etl.client.network.form import Form
from pyrus_etl.client.network.transport import Sieve
from pyrus_etl.settings import Secret

T = TypeVar("T")


class Request(NamedTuple, Generic[T]):
    """A request and the reader of its answer; see `meaning_of`.

    `sieve` removes complete parts from the body while it arrives, so an answer of any length is read in little memory;
    `read` gets the rest. `tries`: at most how often the request is sent if the answers are faulty; None: as any other.
    `path`: follows the address of the API, or is a whole address. `is_slow`: the service may need two minutes to begin
    its answer, so few such requests are in flight, beside the others. `may_renew`: if the token is refused, it is
    renewed and the request sent again. `form`: a form with a file, sent in place of `json`; `fields`: a form without a
    file. `once`: the request writes, so it is not sent again if a server may have applied it; its outcome is Again or
    Unreadable then. `guard`: is called when the request is about to be sent, after all waits; what it raises keeps it
    from being sent.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    json: Any = None
    sieve: Sieve | None = None
    tries: int | None = None
    is_slow: bool = False
    may_renew: bool = True
    form: Form | None = None
    fields: Sequence[tuple[str, str]] = ()
    once: bool = False
    guard: Callable[[], None] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Grant(NamedTuple):
    """What a login grants: a token, the address that paths follow, and others whose origins may get the token."""

    token: Secret
    address: str
    others: tuple[str, ...] = ()


class Answer(NamedTuple, Generic[T]):
    """The content of a good answer, and the server's time; `sha256` is of its body as served.

    `location`: where the answer says that it has made something.
    """

    value: T
    date: datetime
    sha256: str
    location: str = ""
