"""A task as GET tasks/{id} shows it: what API v3 says of it, in the words of API v4."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.clock import DAY, HOUR
from pyrus_etl.sandbox.v4 import dates
from pyrus_etl.sandbox.v4.people import person
from pyrus_etl.sandbox.v4.values import fields, file

Json = dict[str, Any]

ACTIONS = {"Complete": "finished", "MarkAsDuplicate": "finished", "MarkAsIrrelevant": "finished", "Reopen": "reopened"}
MEETING = 14 * HOUR
MINUTES = 45


class Style(msgspec.Struct, frozen=True):
    """What is chosen once for a task: whether its due date has a time, newer properties are left out, a skipped step is
    null, and its creation date in the form is a day.

    `first_id` is the id of its first comment; `form_id` is None for a simple task.
    """

    form_id: int | None
    first_id: int
    timed: bool = False
    bare: bool = False
    nulls: bool = False
    days: bool = False


def task(v3: Json, places: list[int], style: Style) -> Json:
    """The task of a TaskWithNotes; `places` are the numbers of its notes, which never change."""
    comments = [comment(note, place, style) for note, place in zip(v3["Notes"], places, strict=True)]
    shown: Json = {
        "id": v3["Id"],
        "text": v3["Text"],
        "create_date": moment(v3["CreateDate"]),
        "last_modified_date": moment(v3["ModifiedDate"]),
        "author": person(v3["Author"]),
    }
    if "Responsible" in v3:
        shown["responsible"] = person(v3["Responsible"])
    if "CloseDate" in v3:
        shown["close_date"] = moment(v3["CloseDate"])
    if "DueDate" in v3:
        shown |= due(v3["DueDate"], style)
    if "ParentTaskId" in v3:
        shown["parent_task_id"] = v3["ParentTaskId"]
    if v3["Projects"]:
        shown["list_ids"] = [project_id(one) for one in v3["Projects"]]
    if style.form_id is not None:
        shown |= {"form_id": style.form_id} | ({"fields": form(v3["Form"], style)} if "Form" in v3 else {})
    if "Approvals" in v3:
        shown |= approvals(v3["Approvals"], style)
    shown["comments"] = comments
    return shown if style.bare else shown | {"is_closed": "CloseDate" in v3}


def form(values: list[Json], style: Style) -> list[Json]:
    """The fields of the form. A creation date is a time, or in an older server a day."""
    found = fields(values)
    for field in found if style.days else ():
        if field["type"] == "creation_date" and "value" in field:
            field["value"] = field["value"][:10]
    return found


def moment(wired: str) -> str:
    return dates.moment(dates.instant(wired))


def due(wired: str, style: Style) -> Json:
    """The due date as a day, or as a time of that day with a duration in minutes."""
    instant = dates.instant(wired)
    if style.timed:
        return {"due": dates.moment(instant - instant % DAY + MEETING), "duration": MINUTES}
    return {"due_date": dates.moment(instant)[:10]}


def project_id(shown: Any) -> int:
    found: int = (msgspec.json.decode(shown) if isinstance(shown, msgspec.Raw) else shown)["Id"]
    return found


def approvals(steps: list[list[Json] | None], style: Style) -> Json:
    """The approvals by step, and the current step; a skipped step is `[]`, or null in a few tasks."""
    skipped: list[Json] | None = None if style.nulls else []
    shown = [skipped if step is None else [vote(one) for one in step] for step in steps]
    waiting = (number for number, step in enumerate(steps, 1) if step and any("Choice" not in one for one in step))
    return {"approvals": shown, "current_step": next(waiting, max(len(steps), 1))}


def vote(one: Json) -> Json:
    return {"person": person(one["Person"]), "approval_choice": one.get("Choice", "Waiting").lower()}


def comment(note: Json, place: int, style: Style) -> Json:
    """A TaskNote as a comment. It always has an id."""
    shown: Json = {"id": note.get("Id", style.first_id + place), "create_date": moment(note["CreateDate"])}
    if "Text" in note:
        shown["text"] = note["Text"]
    shown["author"] = person(note["Author"])
    for key, value in note.items():
        write = PARTS.get(key)
        if write:
            shown |= write(value, style)
    return shown


def asked(steps: list[list[Any]], style: Style) -> list[list[Json]]:
    """Approvers by step, each with the number of the step."""
    return [[{"person": person(one), "step": number} for one in step or ()] for number, step in enumerate(steps, 1)]


PARTS: dict[str, Any] = {
    "ReassignedTo": lambda value, style: {"reassigned_to": person(value)},
    "ActivityAction": lambda value, style: {"action": ACTIONS[value]} if value in ACTIONS else {},
    "ApprovalChoice": lambda value, style: {"approval_choice": value.lower()},
    "AddedProjects": lambda value, style: {"added_list_ids": [project_id(one) for one in value]},
    "RemovedProjects": lambda value, style: {"removed_list_ids": [project_id(one) for one in value]},
    "DueDateChanged": due,
    "DueDateRemoved": lambda value, style: {"cancel_due": value},
    "ApprovalsAdded": lambda value, style: {"approvals_added": asked(value, style)},
    "ApprovalsRemoved": lambda value, style: {"approvals_removed": asked(value, style)},
    "ApprovalsRerequested": lambda value, style: {"approvals_rerequested": asked(value, style)},
    "Attachments": lambda value, style: {"attachments": [file(one) for one in value]},
    "Form": lambda value, style: {"field_updates": fields(value)},
}
