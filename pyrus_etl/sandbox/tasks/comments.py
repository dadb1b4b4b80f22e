"""What accounts write by an API, in the words of neither: a comment, and the first comment of a new task."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.sandbox.organisation.forms import Field
from pyrus_etl.sandbox.tasks.files import described

Json = dict[str, Any]

CLOSES = {"Complete": True, "MarkAsDuplicate": True, "MarkAsIrrelevant": True, "Reopen": False}
"""Action → whether the task is closed after it."""
FIRST_UPLOADED = 1_900_000_000
"""Above it are the ids of uploaded files; those that the world writes itself are in `files`."""

Steps = tuple[tuple[int, ...], ...]
"""Persons by approval step."""


class File(msgspec.Struct, frozen=True):
    """A file of a comment; `root` is the first version if this is a later one. A link has a URL instead of bytes."""

    id: int
    name: str
    content: bytes
    root: int | None = None
    url: str = ""


class Value(msgspec.Struct, frozen=True):
    """A new value of a field of a form.

    `written` is a FormValue of API v3 without its field; nothing in it clears the field. `row` is the row of a table.
    A title has in `gone` the rows that its table loses.
    """

    field: Field
    written: Json = {}
    files: tuple[File, ...] = ()
    row: int | None = None
    gone: tuple[int, ...] = ()


class Extra(msgspec.Struct, frozen=True):
    """A new value of a field that only API v4 has, as it shows it; None clears the field."""

    head: Json
    value: Any


class Due(msgspec.Struct, frozen=True):
    """A due date: a day, and the time that API v4 shows for it, if one was given."""

    day: int
    shown: Json


def whole_day(day: int) -> Due:
    return Due(day, {"due_date": moment(day).date().isoformat()})


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has written; `author` is the id of its person. `action` is one of `CLOSES`, or nothing.

    `choice`: Approved, Rejected or Revoked, for `steps` or for the first one that asks the author. `edits` is the
    place of the note that gets this text. `reopens`: it reopens a closed task. `beside` is what only API v4 shows, with
    persons as ids.
    """

    author: int
    text: str = ""
    files: tuple[File, ...] = ()
    action: str = ""
    choice: str = ""
    steps: tuple[int, ...] = ()
    responsible: int | None = None
    due: Due | None = None
    clears_due: bool = False
    added_projects: tuple[int, ...] = ()
    removed_projects: tuple[int, ...] = ()
    approvals_added: Steps = ()
    approvals_removed: Steps = ()
    approvals_rerequested: Steps = ()
    values: tuple[Value, ...] = ()
    extras: tuple[Extra, ...] = ()
    reopens: bool = False
    edits: int | None = None
    beside: Json = {}


def shown(origin: str, file: File) -> Json:
    """A file as a note or a form shows it; a link has neither size nor hash."""
    if file.url:
        return {"Id": file.id, "Name": file.name, "DownloadUrl": file.url}
    return described(origin, file.id, file.name, file.content, file.root)
