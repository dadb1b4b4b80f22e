"""The small worlds of these tests as API v4 serves them: the same tasks in its words."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.reports.world import Json

_TYPES = {"Decimal": "money", "CreationDate": "creation_date", "Files": "file", "DueDate": "due_date"}
"""Types whose word in API v4 is not only in lower case."""
_ACTIONS = {"Complete": "finished", "Reopen": "reopened"}


def task_v4(task: Json) -> Json:
    """Returns a task of `world` as GetTask of API v4 serves it."""
    projects, form = task.get("Projects") or [], task.get("Form")
    served = {
        "id": task["Id"],
        "text": task.get("Text"),
        "author": _person(task.get("Author")),
        "responsible": _person(task.get("Responsible")),
        "create_date": _instant(task.get("CreateDate")),
        "last_modified_date": _instant(task.get("ModifiedDate")),
        "close_date": _instant(task.get("CloseDate")),
        "is_closed": "CloseDate" in task,
        "due_date": _day(task.get("DueDate")),
        "parent_task_id": task.get("ParentTaskId"),
        "list_ids": [project["Id"] for project in projects],
        "form_id": _root(projects[0])["Id"] if form and projects else None,
        "fields": [_field(value) for value in form or []],
        "approvals": [[_approval(each) for each in step or []] for step in task.get("Approvals") or []],
        "comments": [_comment(number, note) for number, note in enumerate(task["Notes"], start=1)],
    }
    return {name: value for name, value in served.items() if value not in (None, [])}


def projects_of(task: Json) -> dict[int, tuple[str | None, int | None]]:
    """Returns the lists and forms that a task names, as the directory gives them: id → name and parent."""
    notes = task["Notes"]
    named = [*(task.get("Projects") or [])]
    for change in ("AddedProjects", "RemovedProjects"):
        named += [each for note in notes for each in note.get(change) or []]
    found: dict[int, tuple[str | None, int | None]] = {}
    for project in named:
        above: Json | None = project
        while above:
            found[above["Id"]] = above.get("Name"), (above.get("Parent") or {}).get("Id")
            above = above.get("Parent")
    return found


def _comment(number: int, note: Json) -> Json:
    served = {
        "id": note.get("Id", number),
        "text": note.get("Text"),
        "author": _person(note.get("Author")),
        "create_date": _instant(note.get("CreateDate")),
        "reassigned_to": _person(note.get("ReassignedTo")),
        "action": _ACTIONS.get(note.get("ActivityAction", ""), note.get("ActivityAction")),
        "approval_choice": note["ApprovalChoice"].lower() if note.get("ApprovalChoice") else None,
        "due_date": _day(note.get("DueDateChanged")),
        "cancel_due": note.get("DueDateRemoved"),
        "added_list_ids": [project["Id"] for project in note.get("AddedProjects") or []],
        "removed_list_ids": [project["Id"] for project in note.get("RemovedProjects") or []],
        "field_updates": [_field(value) for value in note.get("Form") or []],
        "attachments": [{"id": file["Id"], "name": file.get("Name")} for file in note.get("Attachments") or []],
    }
    for change in ("Added", "Removed", "Rerequested"):
        steps = note.get(f"Approvals{change}") or []
        served[f"approvals_{change.lower()}"] = [[{"person": _person(each)} for each in step or []] for step in steps]
    return {name: value for name, value in served.items() if value not in (None, [])}


def _approval(approval: Json) -> Json:
    return {"person": _person(approval.get("Person")), "approval_choice": approval.get("Choice", "Waiting").lower()}


def _person(person: Json | None) -> Json | None:
    if person is None:
        return None
    words = {"Id": "id", "FirstName": "first_name", "LastName": "last_name", "Email": "email"}
    return {word: person[name] for name, word in words.items() if name in person} | {"type": "user"}


def _field(value: Json) -> Json:
    head = value["Field"]
    kind = head.get("Type")
    served = {
        "id": head["Id"],
        "type": _TYPES.get(kind, kind.lower()),
        "name": head.get("Name"),
        "parent_id": head.get("ParentId"),
        "row_id": value.get("RowId"),
        "value": _value(kind, value),
    }
    return {name: each for name, each in served.items() if each is not None}


def _value(kind: str, value: Json) -> Any:
    served = value.get(kind)
    match kind:
        case "Person":
            return _person(served)
        case "Date" | "DueDate":
            return _day(served)
        case "Files":
            return [{"id": file["Id"], "name": file.get("Name")} for file in served or []]
        case _:
            return served


def _root(project: Json) -> Json:
    return _root(project["Parent"]) if "Parent" in project else project


def _instant(served: str | None) -> str | None:
    found = re.fullmatch(r"/Date\((-?\d+)\)/", served or "")
    return f"{datetime.fromtimestamp(int(found[1]) / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}" if found else None


def _day(served: str | None) -> str | None:
    instant = _instant(served)
    return instant[:10] if instant else None
