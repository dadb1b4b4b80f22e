"""Bodies of API v4 → expected rows, written apart from the product: plain JSON and loops, straight from its rules."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
Table = dict[tuple[Any, ...], Json]

TYPES = {
    "text": "Text",
    "email": "Email",
    "phone": "Phone",
    "note": "Note",
    "number": "Number",
    "money": "Decimal",
    "step": "ApprovalStep",
    "date": "Date",
    "due_date": "DueDate",
    "due_date_time": "DueDateTime",
    "time": "Time",
    "task_approval_date": "ApprovalDate",
    "creation_date": "CreationDate",
    "checkmark": "Checkmark",
    "flag": "Flag",
    "status": "ActivityStatus",
    "person": "Person",
    "author": "Author",
    "catalog": "Catalog",
    "person_responsible": "Assignee",
    "task_approval_user": "ApprovalPerson",
    "file": "Files",
    "table": "Table",
    "multiple_choice": "MultipleChoice",
    "form_link": "FormLink",
    "project": "Project",
    "title": "Title",
}
ACTIONS = {"finished": "Complete", "reopened": "Reopen"}
CHOICES = {word: word.capitalize() for word in ("waiting", "approved", "rejected", "revoked", "acknowledged")}


def tables_of(bodies: Mapping[int, bytes]) -> dict[str, Table]:
    """The expected rows by table and key; a column that is null is left out."""
    tables: dict[str, Table] = {}
    for body in bodies.values():
        task = json.loads(body.replace(rb"\u0000", b"\\ufffd"), parse_float=Decimal)["task"]
        for table, key, row in _rows(task):
            tables.setdefault(table, {})[task["id"], *key] = {k: v for k, v in row.items() if v is not None}
    return tables


Rows = Iterator[tuple[str, tuple[Any, ...], Json]]


def _rows(task: Json) -> Rows:
    notes = task.get("comments") or []
    approvals = task.get("approvals") or []
    lists = list(dict.fromkeys(each for each in task.get("list_ids") or [] if each is not None))
    choices = [each.get("approval_choice") for step in approvals for each in step or [] if each]
    yield (
        "tasks",
        (),
        {
            "text": task.get("text"),
            "subject": task.get("subject"),
            "author_id": _id(task.get("author")),
            "responsible_id": _id(task.get("responsible")),
            "due_date": task.get("due_date") or _day(task.get("due")),
            "due_at": _at(task.get("due")),
            "due_minutes": _whole(task.get("duration")),
            "asap": False,
            "create_date": _at(task.get("create_date")),
            "modified_date": _at(task.get("last_modified_date")),
            "close_date": _at(task.get("close_date")),
            "is_closed": task["is_closed"] if task.get("is_closed") is not None else task.get("close_date") is not None,
            "parent_task_id": task.get("parent_task_id"),
            "is_any_rejected": "rejected" in choices,
            "form_id": task.get("form_id"),
            "main_project_id": next(iter(lists), None),
            "current_step": task.get("current_step"),
            "scheduled_date": task.get("scheduled_date"),
            "scheduled_at": _at(task.get("scheduled_datetime_utc")),
            "last_note_id": max((each["id"] for each in notes if each and each.get("id")), default=None),
        },
    )
    yield from (("task_projects", (each,), {"project_no": no}) for no, each in enumerate(lists, 1))
    for step_no, step in enumerate(approvals, 1):
        for no, each in _numbered(step):
            choice = each.get("approval_choice") or "waiting"
            yield (
                "approvals",
                (step_no, no),
                {"person_id": _id(each.get("person")), "choice": CHOICES.get(choice, choice)},
            )
    for no, each in _numbered(task.get("participants")):
        yield "task_participants", (no,), {"person_id": _id(each)}
    for no, each in _numbered(task.get("subscribers")):
        choice = each.get("approval_choice")
        yield "task_subscribers", (no,), {"person_id": _id(each.get("person")), "choice": CHOICES.get(choice, choice)}
    for each in [each for each in task.get("steps") or [] if each and "step" in each]:
        yield "task_steps", (each["step"],), {"name": each.get("name"), "elapsed_ms": each.get("elapsed_time")}
    for linked in task.get("linked_task_ids") or []:
        yield "task_links", (linked,), {}
    yield from _values("form_values", (), 0, task.get("fields"))
    for no, note in _numbered(notes):
        yield from _note(no, note)
    yield from _attachments(task, notes)


def _note(no: int, note: Json) -> Rows:
    action, choice, created = note.get("action"), note.get("approval_choice"), _at(note.get("create_date"))
    yield (
        "notes",
        (no,),
        {
            "note_id": note.get("id"),
            "author_id": _id(note.get("author")),
            "create_date": created,
            "text": note.get("text"),
            "reassigned_to_id": _id(note.get("reassigned_to")),
            "activity_action": ACTIONS.get(action or "", action),
            "approval_choice": CHOICES.get(choice or "", choice),
            "due_date_changed": note.get("due_date") or _day(note.get("due")),
            "due_date_removed": note.get("cancel_due") is True,
            "due_at": _at(note.get("due")),
            "due_minutes": _whole(note.get("duration")),
            "channel_type": (note.get("channel") or {}).get("type"),
            **{name: note.get(name) for name in ("subject", "changed_step", "reset_to_step", "approval_step")},
            **{name: note.get(name) for name in ("scheduled_date", "spent_minutes", "reply_note_id")},
            "scheduled_at": _at(note.get("scheduled_datetime_utc")),
            "edit_note_id": note.get("edit_comment_id"),
            "delete_note_id": note.get("delete_comment_id"),
        },
    )
    for change, name in (("added", "added_list_ids"), ("removed", "removed_list_ids")):
        yield from (("note_projects", (no, each, change), {}) for each in note.get(name) or [])
    for change in ("added", "removed", "rerequested"):
        for step_no, step in enumerate(note.get(f"approvals_{change}") or [], 1):
            for place, each in _numbered(step):
                row = {"person_id": _id(each.get("person")), "told_step": each.get("step"), "create_date": created}
                yield "note_approvals", (no, change, step_no, place), row
    for change, name in (
        *(("participant_added", "participants_added"), ("participant_removed", "participants_removed")),
        *(("subscriber_added", "subscribers_added"), ("subscriber_removed", "subscribers_removed")),
        *(("subscriber_rerequested", "subscribers_rerequested"), ("mentioned", "mentions")),
    ):
        for place, each in _numbered(note.get(name)):
            yield "note_persons", (no, change, place), {"person_id": _id(each)}
    yield from _values("note_form_values", (no,), no, note.get("field_updates"))


def _values(table: str, key: tuple[int, ...], note_no: int, fields: Any) -> Rows:
    for value_no, (field, row_id, parent_id) in enumerate(_flat(fields, None, None), 1):
        kind, value = TYPES.get(field.get("type", ""), field.get("type")), field["value"]
        head = {"field_id": field.get("id"), "row_id": row_id, "field_type": kind, "field_name": field.get("name")}
        columns = {} if value in ([], {}) else _columns(field)
        yield table, (*key, value_no), {**head, "parent_field_id": parent_id, **columns}
        for item_no, (item_kind, item_id, text) in enumerate(_items(kind, value), 1):
            row = {"kind": item_kind, "item_id": item_id, "text": text}
            yield "form_value_items", (note_no, value_no, item_no), row


def _flat(fields: Any, parent_id: int | None, row_id: int | None) -> Iterator[tuple[Json, int | None, int | None]]:
    for field in fields or []:
        if field is None or field.get("value") is None:
            continue
        row_of_field = field.get("row_id") if row_id is None else row_id
        yield field, row_of_field, field.get("parent_id", parent_id)
        value = field["value"]
        if field.get("type") in ("title", "multiple_choice"):
            yield from _flat(value.get("fields"), field.get("id"), row_of_field)
        elif field.get("type") == "table":
            for row in value:
                if not row.get("deleted"):
                    yield from _flat(row.get("cells"), field.get("id"), row.get("row_id", row_of_field))


def _columns(field: Json) -> Json:
    value = field["value"]
    match field.get("type"):
        case "text" | "email" | "phone" | "note":
            return {"value_text": value}
        case "number" | "money" | "step":
            return {"value_number": Decimal(value)}
        case "date":
            return {"value_date": value}
        case "due_date":
            return {"value_date": value, "value_json": _duration(field)}
        case "due_date_time":
            return {"value_timestamp": _at(value), "value_json": _duration(field)}
        case "task_approval_date" | "creation_date":
            return {"value_timestamp": _at(value)}
        case "time":
            return {"value_time": f"{value}:00"}
        case "checkmark" | "flag":
            return {"value_text": value.capitalize(), "value_bool": {"checked": True, "unchecked": False}.get(value)}
        case "status":
            return {"value_text": {"open": "Opened", "closed": "Closed"}[value]}
        case "person" | "author" | "person_responsible" | "task_approval_user":
            return {"value_person_id": value.get("id")}
        case "catalog":
            items = _items("Catalog", value)
            only = items[0][1] if len(items) == 1 else None
            shown = {name: value[name] for name in ("headers", "rows") if value.get(name) is not None}
            return {"value_text": _joined(items), "value_catalog_item_id": only, "value_json": shown or None}
        case "multiple_choice":
            return {"value_text": _joined(_items("MultipleChoice", value))}
        case "form_link":
            return {"value_text": value.get("subject")}
        case "project":
            items = _items("Project", value)
            return {"value_text": _joined(items), "value_project_id": items[0][1] if items else None}
        case "file":
            return {"value_json": [_picked(each, "id", "name") for each in value if each is not None]}
        case "title":
            return {"value_json": _picked(value, "checkmark") or None}
        case "table":
            return {
                "value_json": [_picked(row, "row_id", "position") for row in value if not row.get("deleted")] or None
            }
    return {"value_json": value}


def _items(kind: str | None, value: Any) -> list[tuple[str, int | None, str | None]]:
    if kind == "Catalog":
        rows, ids = value.get("rows") or [], value.get("item_ids") or [value.get("item_id")]
        return [("catalog", each, rows[no][0] if no < len(rows) else None) for no, each in enumerate(ids)]
    if kind == "MultipleChoice":
        names = value.get("choice_names") or []
        ids = value.get("choice_ids") or [each for each in [value.get("choice_id")] if each is not None]
        return [("choice", each, names[no] if no < len(names) else None) for no, each in enumerate(ids)]
    if kind == "FormLink":
        return [("task", each, None) for each in value.get("task_ids") or [value["task_id"]]]
    if kind == "Files":
        return [("file", each.get("id"), each.get("name")) for each in value if each is not None]
    if kind == "Project":
        return [("project", each.get("id"), each.get("name")) for each in value.get("projects") or []]
    return []


def _attachments(task: Json, notes: list[Json | None]) -> Rows:
    """Files note by note, those attached first; then those of the task, then those of its form."""
    places: list[tuple[int | None, int | None, Any]] = []
    for no, note in _numbered(notes):
        places += [(no, None, file) for file in note.get("attachments") or []]
        places += [(no, field_id, file) for field_id, file in _files(note.get("field_updates"))]
    places += [(None, None, file) for file in task.get("attachments") or []]
    places += [(None, field_id, file) for field_id, file in _files(task.get("fields"))]
    seen = set[int]()
    for note_no, field_id, file in places:
        if file and file.get("id") is not None and file["id"] not in seen:
            seen.add(file["id"])
            names = {"name": "name", "size": "size_bytes", "url": "download_url", "root_id": "existing_id"}
            row = {
                ours: file.get(theirs) for theirs, ours in (names | {"md5": "md5_hash", "version": "version"}).items()
            }
            yield "attachments", (file["id"],), {**row, "note_no": note_no, "field_id": field_id}


def _files(fields: Any) -> Iterator[tuple[int | None, Any]]:
    for field, _, _ in _flat(fields, None, None):
        if field.get("type") == "file":
            yield from ((field.get("id"), file) for file in field["value"])


def _numbered(array: Any) -> Iterator[tuple[int, Any]]:
    return ((no, each) for no, each in enumerate(array or [], 1) if each is not None)


def _id(person: Any) -> int | None:
    """The id of a person, who may be served as the id alone, or in an object with the person."""
    if person is None or isinstance(person, int):
        return person
    found: int | None = (person.get("person") or person).get("id")
    return found


def _at(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text.upper())
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(text: str | None) -> str | None:
    moment = _at(text)
    return None if moment is None else moment.date().isoformat()


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _duration(field: Json) -> Json | None:
    return None if field.get("duration") is None else {"duration": int(field["duration"])}


def _joined(items: list[tuple[str, int | None, str | None]]) -> str | None:
    texts = [text for _, _, text in items if text is not None]
    return ", ".join(texts) if texts else None


def _picked(value: Json, *names: str) -> Json:
    return {name: value[name] for name in names if value.get(name) is not None}
