"""Tasks of API v4 → wire structs, which are structs of the model."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client import decode as any_api
from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.v4.wire.dates import Day, Instant, parse_day, parse_instant
from pyrus_etl.extract.v4.wire.directory import Person
from pyrus_etl.extract.v4.wire.task import Action, Choice, ListRow, RegisterRow, TaskBody, TaskHeader
from pyrus_etl.extract.v4.wire.whole import Whole, read_whole
from pyrus_etl.model import task as model
from pyrus_etl.model.form import FormValues

T = TypeVar("T")

CHOICES = {word.lower(): Choice(word) for word in ("Waiting", "Approved", "Rejected", "Revoked", "Acknowledged")}
ACTIONS = {"finished": Action("Complete"), "reopened": Action("Reopen")}


def read_stored(body: bytes) -> tuple[model.Task, int]:
    """Reads the task in a `storable` answer to GetTask; also returns the number of unreadable values.

    Raises msgspec.DecodeError if it is not such an answer.
    """
    read, unreadable = decode(body, TaskBody)
    return read.task, unreadable


def decode(body: bytes | msgspec.Raw, kind: type[T]) -> tuple[T, int]:
    """Reads a struct from a `storable` body; also returns the number of unreadable values. See `client.decode`."""
    return any_api.decode(body, kind, read_custom)


class Listed:
    """Tasks in an answer, in its order. A row stays a part of the answer until it is taken: it may hold many values.

    `has_more`: the answer says that the list is longer.
    """

    def __init__(
        self, kind: type[RegisterRow | ListRow], rows: Sequence[tuple[TaskHeader, msgspec.Raw]], *, has_more: bool
    ) -> None:
        self._kind = kind
        self._rows = rows
        self.headers = [header for header, _ in rows]
        self.has_more = has_more

    def tasks(self) -> Iterator[model.Task]:
        """The tasks with what the rows give, each read when it is taken.

        What cannot be read is left out, and counted in the task's form.
        """
        return (self._task(row) for _, row in self._rows)

    def _task(self, row: msgspec.Raw) -> model.Task:
        read, unreadable = decode(row, self._kind)
        task = read.task
        if isinstance(task.form, FormValues):
            task.form.unreadable += unreadable
        return task


def read_register(body: bytes) -> tuple[Listed, int]:
    """Reads a `storable` page of a form's register; also returns the number of rows and dates that cannot be read.

    The rows do not say which form it is, or whether a task is closed: see `in_form`. Raises msgspec.DecodeError.
    """
    return _listed(body, RegisterRow)


def read_headers(body: bytes) -> tuple[Listed, int]:
    """Reads the tasks of a list or of the inbox, as `read_register` does."""
    return _listed(body, ListRow)


def in_form(task: model.Task, form_id: int, *, is_closed: bool) -> model.Task:
    """The task of a register, with what only the reader of the register knows."""
    return msgspec.structs.replace(task, form_id=form_id, is_closed=is_closed)


class _List(msgspec.Struct):
    tasks: list[msgspec.Raw] | None = None
    has_more: bool | None = None


def _listed(body: bytes, kind: type[RegisterRow | ListRow]) -> tuple[Listed, int]:
    served = _read_list(body)
    rows, unreadable = [], 0
    for row in served.tasks or ():
        read, dropped = _header(row)
        unreadable += dropped
        if read is not None:
            rows.append((read, row))
    return Listed(kind, rows, has_more=served.has_more is True), unreadable


def _read_list(body: bytes) -> _List:
    """Reads the rows as bytes. An empty list leaves out its keys; an object with other keys alone is not a list."""
    try:
        served = msgspec.json.decode(body, type=_List)
    except RecursionError as error:
        raise msgspec.ValidationError("JSON is nested too deeply") from error
    if served.tasks is None and served.has_more is None:
        names = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).keys()
        if names and not names & {"tasks", "has_more"}:
            raise msgspec.ValidationError("an object that is not a list of tasks")
    return served


def _header(row: msgspec.Raw) -> tuple[TaskHeader | None, int]:
    """The header of a row, and the number of unreadable values in it; None without an id."""
    try:
        return decode(row, TaskHeader)
    except msgspec.ValidationError:
        return None, 0 if bytes(row) == b"null" else 1


def read_custom(kind: type, value: Any) -> Any:
    """Reads the types of the wire structs that JSON does not have.

    Raises ValueError, but no ValidationError: msgspec would not add the path to it.
    """
    try:
        return _CUSTOM[kind](value)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _word(words: dict[str, T], kind: Callable[[str], T]) -> Callable[[Any], T]:
    def read(value: Any) -> T:
        if not isinstance(value, str):
            raise ValueError(f"expected a word, got {type(value).__name__}")
        return words.get(value) or kind(value)

    return read


def _member(value: Any) -> model.Member:
    """A person, an object that has the person, or the id alone."""
    served = {"id": value} if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(served, dict) and isinstance(served.get("person"), dict):
        served = served["person"]
    return model.Member(*salvage(served, Person))


_CUSTOM: dict[type, Callable[[Any], Any]] = {
    Instant: parse_instant,
    Day: parse_day,
    Whole: read_whole,
    Choice: _word(CHOICES, Choice),
    Action: _word(ACTIONS, Action),
    model.Member: _member,
}
