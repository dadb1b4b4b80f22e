"""Payloads put in by hand in place of a task, well-formed or not."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .bodies import HEADER
from .clock import wire

Json = dict[str, Any]

DATE = re.compile(rb'"CreateDate":\s*"/Date\((-?\d+)')


class Stranger(msgspec.Struct, frozen=True):
    """What GetTask answers (`body`), the row lists show, and whether the row is that of a closed task."""

    body: bytes
    row: Json
    closed: bool


def stranger(task_id: int, payload: bytes | Json, modified: int | None) -> Stranger:
    """An object is wrapped in TaskWithNotes unless it is already; bytes are served as they are.

    The row takes what it can from the payload; its `ModifiedDate` is `modified`, or left out.
    """
    if isinstance(payload, dict):
        wrapped = payload if "TaskWithNotes" in payload else {"TaskWithNotes": payload}
        payload = msgspec.json.encode(wrapped)
    row: Json = {"Id": task_id, "Text": "", "CreateDate": wire(modified or 0)} | readable(payload)
    row["Id"] = task_id
    row.pop("ModifiedDate", None)
    if modified is not None:
        row["ModifiedDate"] = wire(modified)
    return Stranger(payload, row, "CloseDate" in row)


def readable(payload: bytes) -> Json:
    """The properties of a list's row that can be read from the payload, none where it is no task."""
    try:
        task = msgspec.json.decode(payload)["TaskWithNotes"]
        return {key: task[key] for key in HEADER if key in task}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return {}


def note_dates(body: bytes) -> list[int]:
    """The dates at which something was written or created in a body."""
    return [int(found) for found in DATE.findall(body)]
