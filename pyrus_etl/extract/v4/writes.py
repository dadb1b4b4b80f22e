"""Writes by API v4: https://pyrus.com/en/help/api/tasks. Its pages name the calls; the vendor's clients the bodies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from pyrus_etl.extract.v3.writes import name_of
from pyrus_etl.extract.v4.dialect import DIALECT
from pyrus_etl.extract.v4.newest import newest
from pyrus_etl.extract.v4.wire.read import read_stored
from pyrus_etl.extract.writer import Call, Uploads, Writes, plain, properties, when_given
from pyrus_etl.model.write import COMMENT, FORM_TASK, OF_FILES, TypedValue, Write, is_url

_ACTIONS = {"Complete": "finished", "Reopen": "reopened"}


def _day(value: date) -> str:
    return value.isoformat()


def _instant(value: datetime) -> str:
    return f"{value.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()}Z"


def _person(person_id: int) -> dict[str, int]:
    return {"id": person_id}


def _people(ids: Sequence[int]) -> list[dict[str, int]]:
    return [_person(each) for each in ids]


def _steps(steps: Sequence[Sequence[int]]) -> list[list[dict[str, int]]]:
    return [_people(step) for step in steps]


Names = Mapping[str, tuple[str, Callable[[Any], Any]]]
_COMMON: Names = {
    "text": ("text", plain),
    "formatted_text": ("formatted_text", plain),
    "subject": ("subject", plain),
    "due_date": ("due_date", _day),
    "due_at": ("due", _instant),
    "due_minutes": ("duration", plain),
    "scheduled_date": ("scheduled_date", _day),
    "scheduled_at": ("scheduled_datetime_utc", _instant),
}
_OF_TASK: Names = {
    **_COMMON,
    "responsible_id": ("responsible", _person),
    "added_project_ids": ("list_ids", plain),
    "participant_ids": ("participants", _people),
    "subscriber_ids": ("subscribers", _people),
    "parent_task_id": ("parent_task_id", plain),
}
_OF_FORM: Names = {
    **_OF_TASK,
    "form_id": ("form_id", plain),
    "approvals": ("approvals", _steps),
    "fill_defaults": ("fill_defaults", plain),
}
_OF_COMMENT: Names = {
    **_COMMON,
    "responsible_id": ("reassign_to", _person),
    "clear_due_date": ("cancel_due", plain),
    "cancel_schedule": ("cancel_schedule", plain),
    "approval_choice": ("approval_choice", str.lower),
    "approval_stage": ("approval_steps", lambda stage: [stage]),
    "activity_action": ("action", lambda action: _ACTIONS[action]),
    "approvals": ("approvals_added", _steps),
    "removed_approvals": ("approvals_removed", _steps),
    "rerequested_approvals": ("approvals_rerequested", _steps),
    "added_project_ids": ("added_list_ids", plain),
    "removed_project_ids": ("removed_list_ids", plain),
    "participant_ids": ("participants_added", _people),
    "removed_participant_ids": ("participants_removed", _people),
    "subscriber_ids": ("subscribers_added", _people),
    "removed_subscriber_ids": ("subscribers_removed", _people),
    "rerequested_subscriber_ids": ("subscribers_rerequested", _people),
    "channel": ("channel", lambda kind: {"type": kind}),
    "spent_minutes": ("spent_minutes", plain),
    "skip_auto_reopen": ("skip_auto_reopen", plain),
    "skip_notification": ("skip_notification", plain),
    "skip_satisfaction": ("skip_satisfaction", plain),
}
_FILES = {"attachments": None}
_FIELDS = {"form_values": None}


def _choices(ids: Sequence[int]) -> dict[str, Any]:
    return {"choice_ids": list(ids)} if len(ids) > 1 else {"choice_id": ids[0]}


def _items(ids: Sequence[int]) -> dict[str, Any]:
    return {"item_ids": list(ids)} if len(ids) > 1 else {"item_id": ids[0]}


def _tasks(ids: Sequence[int]) -> dict[str, Any]:
    return {"task_ids": list(ids)} if len(ids) > 1 else {"task_id": ids[0]}


def _number(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() else value


def _time(value: time) -> str:
    return f"{value:%H:%M}"


_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "Text": plain,
    "Email": plain,
    "Phone": plain,
    "Number": _number,
    "Decimal": _number,
    "Date": _day,
    "DueDate": _day,
    "DueDateTime": _instant,
    "Time": _time,
    "Checkmark": str.lower,
    "Flag": str.lower,
    "Person": lambda ids: _person(ids[0]),
    "Assignee": lambda ids: _person(ids[0]),
    "Catalog": _items,
    "MultipleChoice": _choices,
    "FormLink": _tasks,
    "Project": lambda ids: {"projects": [_person(each) for each in ids]},
    "Files": plain,
    "Table": plain,
}
"""Type of a field → how its value is written."""


def _complaints(write: Write) -> Iterator[str]:
    if write.activity_action not in (None, *_ACTIONS):
        yield f"API v4 has no activity action {write.activity_action}; use Complete"
    for each in write.values:
        if each.type not in _VALUES:
            yield f"field {each.field_id}: API v4 cannot write a {each.type}"
        elif each.type == "Checkmark" and each.value == "None":
            yield f"field {each.field_id}: a Checkmark is Checked or Unchecked"


def _call(write: Write, uploads: Uploads) -> Call:
    files = [_file(each, uploads) for each in write.attachments or ()]
    attached = {"attachments": files} if files else {}
    fields = _fields(write.values, uploads)
    if write.action == COMMENT:
        changed = {"field_updates": fields} if fields else {}
        body = {"skip_auto_reopen": True, **when_given(write, _OF_COMMENT), **changed, **attached}
        return Call("POST", f"/tasks/{write.task_id}/comments", body)
    if write.action == FORM_TASK:
        given = {"fields": fields} if fields else {}
        return Call("POST", "/tasks", {"fill_defaults": True, **when_given(write, _OF_FORM), **given, **attached})
    return Call("POST", "/tasks", {**when_given(write, _OF_TASK), **attached})


def _file(file: str, uploads: Uploads) -> Any:
    return {"url": file, "name": name_of(file)} if is_url(file) else uploads[file]


def _fields(values: Sequence[TypedValue], uploads: Uploads) -> list[dict[str, Any]]:
    """The values by field; those of a table by its rows, in the order in which they are given."""
    fields: list[dict[str, Any]] = []
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    tables: dict[int, list[dict[str, Any]]] = {}
    for each in values:
        if each.row_id is None:
            fields.append(_field(each, uploads))
            continue
        table_id = each.field_id if each.type == "Table" else each.table_id or 0
        if table_id not in tables:
            tables[table_id] = []
            fields.append({"id": table_id, "value": tables[table_id]})
        if (table_id, each.row_id) not in rows:
            rows[table_id, each.row_id] = {"row_id": each.row_id}
            tables[table_id].append(rows[table_id, each.row_id])
        row = rows[table_id, each.row_id]
        if each.type == "Table":
            row["delete"] = True
        else:
            row.setdefault("cells", []).append(_field(each, uploads))
    return fields


def _field(value: TypedValue, uploads: Uploads) -> dict[str, Any]:
    if isinstance(value.value, tuple) and value.type in OF_FILES:
        return {"id": value.field_id, "value": [_file(str(file), uploads) for file in value.value]}
    encoded = None if value.value is None else _VALUES[value.type](value.value)
    return {"id": value.field_id, "value": encoded}


WRITES = Writes(
    "API v4",
    DIALECT,
    properties(
        comment={**_OF_COMMENT, **_FILES, **_FIELDS},
        task={**_OF_TASK, **_FILES},
        form_task={**_OF_FORM, **_FILES, **_FIELDS},
    ),
    _complaints,
    _call,
    lambda task_id: f"/tasks/{task_id}",
    read_stored,
    newest,
    uses_uploads_up=False,
)
