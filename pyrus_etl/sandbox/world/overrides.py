"""Overrides: payloads that a test puts in place of a task, well-formed or not."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.clock import SECOND, wire
from pyrus_etl.sandbox.tasks.bodies import HEADER

Json = dict[str, Any]

DATE = re.compile(rb'"CreateDate":\s*"/Date\((-?\d+)')
OF_V4 = {"text": "Text", "parent_task_id": "ParentTaskId"}
DATES_OF_V4 = {"create_date": "CreateDate", "close_date": "CloseDate"}


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to GetTask (`body`), the row that lists show, and whether the row is of a closed task.

    `body_v4` and `row_v4` are what API v4 serves, if the payload is one of API v4. `at` is when it was put.
    """

    body: bytes
    row: Json
    closed: bool
    at: int = 0
    body_v4: bytes | None = None
    row_v4: Json | None = None


def override(task_id: int, payload: bytes | Json, modified: int | None) -> Override:
    """Makes an override. An object is wrapped in TaskWithNotes unless it already is; bytes are served as they are.

    The row contains the properties that can be read from the payload. Its `ModifiedDate` is `modified`, or is left out.
    """
    if isinstance(payload, dict):
        wrapped = payload if "TaskWithNotes" in payload else {"TaskWithNotes": payload}
        payload = msgspec.json.encode(wrapped)
    row = dated(task_id, readable(payload), modified)
    return Override(body=payload, row=row, closed="CloseDate" in row)


def override_v4(task_id: int, payload: bytes | Json, modified: int | None, row_v4: Json | None) -> Override:
    """Makes an override from a payload of API v4. An object is wrapped in `task` unless it already is."""
    if isinstance(payload, dict):
        payload = msgspec.json.encode(payload if "task" in payload else {"task": payload})
    row = dated(task_id, readable_v4(payload), modified)
    body = msgspec.json.encode({"TaskWithNotes": row | {"Author": {"Id": 1730}, "Notes": []}})
    return Override(body=body, row=row, closed="CloseDate" in row, body_v4=payload, row_v4=row_v4)


def dated(task_id: int, shown: Json, modified: int | None) -> Json:
    """The row of a list: what is shown, with this id and this date of modification."""
    row: Json = {"Id": task_id, "Text": "", "CreateDate": wire(modified or 0)} | shown
    row["Id"] = task_id
    row.pop("ModifiedDate", None)
    return row if modified is None else row | {"ModifiedDate": wire(modified)}


def readable(payload: bytes) -> Json:
    """The properties of a list's row that can be read from the payload; none if it is not a task."""
    try:
        task = msgspec.json.decode(payload)["TaskWithNotes"]
        return {key: task[key] for key in HEADER if key in task}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return {}


def readable_v4(payload: bytes) -> Json:
    """The same for a payload of API v4."""
    try:
        task = msgspec.json.decode(payload)["task"]
        shown = {name: task[key] for key, name in OF_V4.items() if task.get(key) is not None}
        dates = {name: milliseconds_of(task.get(key)) for key, name in DATES_OF_V4.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return {}
    return shown | {name: wire(instant) for name, instant in dates.items() if instant is not None}


def date_of(payload: bytes | Json) -> int | None:
    """The last modification in a payload of API v4, in milliseconds since 1970; None if it cannot be read."""
    try:
        read = msgspec.json.decode(payload) if isinstance(payload, bytes) else payload
        return milliseconds_of(read.get("task", read).get("last_modified_date"))
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        return None


def milliseconds_of(date: Any) -> int | None:
    """A date of API v4 as milliseconds since 1970; None if it cannot be read."""
    try:
        parsed = datetime.fromisoformat(date)
        return int(parsed.timestamp() * SECOND)
    except (TypeError, ValueError):
        return None


def note_dates(body: bytes) -> list[int]:
    """All creation dates in a body: of the task and of its notes."""
    return [int(found) for found in DATE.findall(body)]
