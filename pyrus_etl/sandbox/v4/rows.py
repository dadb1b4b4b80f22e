"""What the register and the lists show of a task."""

from __future__ import annotations

from typing import Any

import msgspec

Json = dict[str, Any]

HEADER = ("id", "text", "formatted_text", "create_date", "last_modified_date", "author", "responsible", "close_date")


class Row(msgspec.Struct, omit_defaults=True):
    """A row of a register, with its fields unread."""

    id: int
    create_date: str
    last_modified_date: str | None = None
    last_note_id: int | None = None
    current_step: int | None = None
    fields: list[msgspec.Raw] = []


class FieldId(msgspec.Struct):
    id: int | None = None


def row(task: Json) -> Json:
    """The row of a register. It has no text, no persons and no dates of an end; a field without a value is left out."""
    shown: Json = {key: task[key] for key in ("id", "create_date", "last_modified_date") if key in task}
    notes = [one["id"] for one in task.get("comments") or () if one and isinstance(one.get("id"), int)]
    if notes:
        shown["last_note_id"] = max(notes)
    if task.get("current_step") is not None:
        shown["current_step"] = task["current_step"]
    valued_fields = valued(task.get("fields") or [])
    return shown | {"fields": valued_fields} if valued_fields else shown


def valued(fields: list[Any]) -> list[Json]:
    """The fields that have a value, at any depth."""
    return [one | {"value": inside(one["value"])} for one in fields if isinstance(one, dict) and "value" in one]


def inside(value: Any) -> Any:
    """A value, without the fields inside that have none."""
    if isinstance(value, dict) and isinstance(value.get("fields"), list):
        return value | {"fields": valued(value["fields"])}
    if isinstance(value, list) and value and isinstance(value[0], dict) and "cells" in value[0]:
        return [one | {"cells": valued(one["cells"])} for one in value]
    return value


def header(task: Json) -> Json:
    """The TaskHeader of lists and the inbox; of a due time, it shows the day."""
    shown = {key: task[key] for key in HEADER if key in task}
    day = task.get("due_date") or str(task.get("due") or "")[:10]
    return shown | {"due_date": day} if day else shown


def only(row: bytes, wanted: set[int]) -> bytes:
    """The row with these fields only, those at the top of the form."""
    read = msgspec.json.decode(row, type=Row)
    read.fields = [one for one in read.fields if msgspec.json.decode(one, type=FieldId).id in wanted]
    return msgspec.json.encode(read)
