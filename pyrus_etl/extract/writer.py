"""Writes tasks and comments, whichever generation of the API answers. A write is sent once: no answer, no other try."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pyrus_etl.client.client import Client
from pyrus_etl.client.decode import storable
from pyrus_etl.client.dialect import Dialect
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, TokenRefused, Unreadable
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import AnswerLost, BodyTooLarge, LoginRefused, TaskRefused, WriteRefused
from pyrus_etl.model.task import Task
from pyrus_etl.model.write import Write

Uploads = Mapping[str, str]
"""Path of a file → the id of its upload."""


class Call(NamedTuple):
    """A request that writes."""

    method: str
    path: str
    body: dict[str, Any]


class Newest(NamedTuple):
    """Tasks that an account may have made lately, as lists show them.

    `until`: the latest change in a list that must show such a task and was read to its end; None if no such list was
    read, or if it is empty. What was made well before that change, and is not shown, was not made.
    """

    ids: frozenset[int] = frozenset()
    until: datetime | None = None


class Writes(NamedTuple):
    """What differs between the generations of the API.

    `properties`: by action, those that the API has. `complaints`: what else it cannot do, each as a sentence. `call`:
    the request for a write whose files are uploaded. `task`: the path of a task. `read`: the task in an answer.
    `newest`: the tasks that an account may have made since an instant; if that is asked for, with `until`.
    `uses_uploads_up`: an upload can be attached once, so a write with one cannot be applied twice.
    """

    api: str
    dialect: Dialect
    properties: Mapping[str, frozenset[str]]
    complaints: Callable[[Write], Iterator[str]]
    call: Callable[[Write, Uploads], Call]
    task: Callable[[int], str]
    read: Callable[[bytes], tuple[Task, int]]
    newest: Callable[[Client, Write, int, datetime, bool], Awaitable[Newest]]
    uses_uploads_up: bool


def complaints(writes: Writes, write: Write) -> tuple[str, ...]:
    """What an API cannot do, each as a sentence."""
    lacking = [name for name in write.given if name not in writes.properties[write.action]]
    return (*(f"{writes.api} has no {name} for a {write.action}" for name in lacking), *writes.complaints(write))


def shown(writes: Writes, write: Write) -> Call:
    """The request that a write would be; files that would be uploaded are named by their paths."""
    return writes.call(write, {path: path for path in write.paths})


class Writer:
    """Writes as one account, through an open client. Bodies are read as served, without the rules of privacy."""

    def __init__(self, client: Client, writes: Writes) -> None:
        self._client = client
        self.writes = writes

    async def send(self, write: Write, uploads: Uploads, guard: Callable[[], None]) -> Task:
        """Sends a write, once, and returns its task as it is then. `guard`: see `Request`.

        Raises AnswerLost if it may have been applied. All other errors mean that it was not: WriteRefused,
        LoginRefused, PyrusUnreachable, BudgetSpent, and what the guard raises.
        """
        call = self.writes.call(write, uploads)
        request = Request(call.method, call.path, self._read, call.body, once=True, guard=guard)
        try:
            outcome = await self._client.ask(request)
        except BodyTooLarge as error:
            raise AnswerLost(str(error)) from error
        if isinstance(outcome, Answer):
            task: Task = outcome.value
            return task
        raise _not_applied(outcome, self.writes.dialect)

    async def task(self, task_id: int) -> Task:
        """A task, as served; raises TaskRefused, LoginRefused or PyrusUnreachable."""
        request = Request("GET", self.writes.task(task_id), self._read)
        try:
            outcome = await self._client.ask(request)
        except BodyTooLarge as error:
            raise TaskRefused(f"task {task_id}: {error}", stage="fetch") from error
        if not isinstance(outcome, Answer):
            is_denied = isinstance(outcome, Denied) or (isinstance(outcome, Refused) and bool(outcome.api_error.code))
            raise TaskRefused(f"Pyrus refuses task {task_id}: {outcome}", stage="fetch", denied=is_denied)
        task: Task = outcome.value
        return task

    async def newest(self, write: Write, account_id: int, since: datetime, *, to_the_end: bool) -> Newest:
        """Tasks that may be the new one. Lists lag: one that is missing is surely absent only long before `until`."""
        return await self.writes.newest(self._client, write, account_id, since, to_the_end)

    @property
    def server_time(self) -> datetime:
        """The server's clock."""
        return self._client.server_time

    def _read(self, body: bytes) -> Task:
        return self.writes.read(storable(body))[0]


def _not_applied(failure: Failure, dialect: Dialect) -> Exception:
    """The error of a write without an answer.

    A refusal counts only with the API's own error code: anything else may be a proxy's, behind which Pyrus may have
    applied the write. So may a server that fails with a 5xx.
    """
    match failure:
        case TokenRefused():
            return LoginRefused(f"{dialect.service} refused {dialect.credential}: {failure}; get a new one.")
        case Again() | Unreadable():
            return AnswerLost(f"{dialect.service} gave no clear answer: {failure}")
        case Denied() | Refused() if failure.status < 500 and failure.api_error.code and failure.status >= 400:
            code, shown = failure.api_error.code, failure.api_error.shown_code
            return WriteRefused(f"Pyrus refuses it: {failure}", status=failure.status, code=code, shown_code=shown)
    return AnswerLost(f"{dialect.service} gave no clear answer: {failure}")


def properties(**by_action: Mapping[str, object]) -> Mapping[str, frozenset[str]]:
    """The properties that an API has, by action."""
    return {action: frozenset(names) for action, names in by_action.items()}


def when_given(write: Write, names: Mapping[str, tuple[str, Callable[[Any], Any]]]) -> dict[str, Any]:
    """The given properties of a write under the names of an API, as it encodes them."""
    encoded = {}
    for name, (served, encode) in names.items():
        if (value := getattr(write, name)) is not None:
            encoded[served] = encode(value)
    return encoded


def plain(value: Any) -> Any:
    return value
