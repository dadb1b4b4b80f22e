"""Overrides: payloads that a test puts in place of a task, well-formed or not."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .bodies import HEADER
from .clock import wire

Json = dict[str, Any]

DATE = re.compile(rb'"CreateDate":\s*"/Date\((-?\d+)')


class Override(msgspec.Struct, frozen=True):
    """The answer to GetTask (`body`), the row that lists show, and whether the row is of a closed task."""

    body: bytes
    row: Json
    closed: bool


def override(task_id: int, payload: bytes | Json, modified: int | None) -> Override:
    """Makes an override. An object is wrapped in TaskWithNotes unless it already is; bytes are served as they are.

    The row contains the properties that can be read from the payload. Its `ModifiedDate` is `modified`, or is left out.
    """
    if isinstance(payload, dict):
        wrapped = payload if "TaskWithNotes" in payload else {"TaskWithNotes": payload}
        payload = msgspec.json.encode(wrapped)
    row: Json = {"Id": task_id, "Text": "", "CreateDate": wire(modified or 0)} | readable(payload)
    row["Id"] = task_id
    row.pop("ModifiedDate", None)
    if modified is not None:
        row["ModifiedDate"] = wire(modified)
    return Override(payload, row, "CloseDate" in row)


def readable(payload: bytes) -> Json:
    """The properties of a list's row that can be read from the payload; none if it is not a task."""
    try:
        task = msgspec.json.decode(payload)["TaskWithNotes"]
        return {key: task[key] for key in HEADER if key in task}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return {}


def note_dates(body: bytes) -> list[int]:
    """All creation dates in a body: of the task and of its notes."""
    return [int(found) for found in DATE.findall(body)]
