"""A task as JSON: the header that lists show, and the whole TaskWithNotes (https://pyrus.com/en/api-v3)."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.clock import wire
from pyrus_etl.sandbox.organisation.dice import Dice
from pyrus_etl.sandbox.organisation.forms import Field
from pyrus_etl.sandbox.organisation.projects import Project
from pyrus_etl.sandbox.tasks.cases import Case, closed
from pyrus_etl.sandbox.tasks.comments import Comment
from pyrus_etl.sandbox.tasks.drafts import Draft, projects_at_first
from pyrus_etl.sandbox.tasks.effects import write
from pyrus_etl.sandbox.tasks.roles import play
from pyrus_etl.sandbox.tasks.values import form_value

Json = dict[str, Any]

DATES = ("DueDate", "CloseDate", "CreateDate", "ModifiedDate")
HEADER = ("Id", "Text", "Responsible", "Asap", "Projects", "ParentTaskId", *DATES)
LINES = 4
FOLLOWS = (
    *("Author", "CreationDate", "DueDate", "ActivityStatus", "Assignee", "Note"),
    *("ApprovalStep", "ApprovalPerson", "ApprovalDate"),
)
"""The types of fields that show properties of the task."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a task after the start, `at` an instant; `salt` is the seed of its texts and values.

    `date` is the modification date that it gives the task: `at`, unless somebody set it back. `comment`: what an
    account wrote by an API, if that is what happened.
    """

    role: str
    date: int
    salt: int = 0
    at: int = 0
    comment: Comment | None = None


def body(case: Case, events: tuple[Event, ...], origin: str) -> Json:
    """The TaskWithNotes structure; properties that equal their default are left out."""
    return structure(draft_of(case, events, origin))


def structure(draft: Draft) -> Json:
    """The same for a task whose notes are written."""
    case = draft.case
    task = head(case, draft.responsible, draft.due, draft.projects, draft.closed, draft.modified)
    task["Author"] = case.author.full
    if draft.steps:
        task["Approvals"] = draft.steps
    form = form_values(draft)
    if form:
        task["Form"] = form
    task["Notes"] = draft.notes
    if any(vote.get("Choice") == "Rejected" for step in draft.steps if step for vote in step):
        task["IsAnyRejected"] = True
    return task


def draft_of(case: Case, events: tuple[Event, ...], origin: str) -> Draft:
    draft = Draft(case, origin)
    for role, date in zip(case.roles, case.dates, strict=not case.made):
        play(draft, role, date, draft.dice)
    for event in events:
        if event.comment:
            write(draft, event.comment, event.date)
        else:
            play(draft, event.role, event.date, Dice(case.word, event.salt))
    return draft


def form_values(draft: Draft) -> list[Json]:
    """The values of the form, in order; the rows of a table follow its title."""
    if draft.purged:
        return list(draft.changes.values())
    found: list[Json] = []
    fields = draft.case.kind.fields
    for field in fields:
        if field.parent is not None:
            continue
        columns = [column for column in fields if column.parent == field.id]
        value = draft.changes.get(field.id) or drawn_value(draft, field, draft.form_dice(field.id))
        rows = rows_of(draft, field, columns)
        found.append(value | {"Rows": [{"RowId": row} for row in rows]} if columns else value)
        found += [cell for row in rows.values() for cell in row]
    return found


def rows_of(draft: Draft, title: Field, columns: list[Field]) -> dict[int, list[Json]]:
    """The cells of a table by row: those that were drawn, with what accounts wrote by an API."""
    if not columns:
        return {}
    dice = draft.form_dice(-title.id)
    count = 0 if draft.case.made else 1 + dice.roll(LINES)
    drawn = {
        (column.id, row): drawn_value(draft, column, dice, row) for row in range(1, count + 1) for column in columns
    }
    cells = drawn | {cell: value for cell, value in draft.cells.items() if cell[0] in {one.id for one in columns}}
    rows = sorted({row for _, row in cells} - {row for table, row in draft.rows_gone if table == title.id})
    return {row: [cells.get((one.id, row)) or {"Field": one.json, "RowId": row} for one in columns] for row in rows}


def drawn_value(draft: Draft, field: Field, dice: Dice, row: int | None = None) -> Json:
    """The value of a field that nobody changed. If an account made the task, only what follows from it has a value."""
    if draft.case.made and field.type not in FOLLOWS:
        return {"Field": field.json}
    return form_value(draft, field, dice, row, sure=draft.case.made)


def header(case: Case) -> Json:
    """The row of a list for a task without events; faster than the body, as no notes are written."""
    seen = case.roles
    responsible = case.heir if "reassign" in seen else case.first
    due = None if "clear" in seen else case.later if "postpone" in seen else case.due
    return head(case, responsible.full, due, projects_of(case), closed(case), case.dates[-1])


def projects_of(case: Case) -> list[Project]:
    """The projects of a task without events."""
    projects = projects_at_first(case)
    if "refile" in case.roles:
        projects.append(case.also)
    if "unfile" in case.roles and len(projects) > 1:
        projects.pop()
    return projects


def head(
    case: Case,
    responsible: msgspec.Raw,
    due: int | None,
    projects: list[Project],
    ended: int | None,
    modified: int,
) -> Json:
    """The properties that a task and its row in a list have in common."""
    task: Json = {"Id": case.id, "Text": case.text, "Responsible": responsible}
    if due is not None:
        task["DueDate"] = wire(due)
    if case.asap:
        task["Asap"] = True
    task["Projects"] = [project.json for project in projects]
    if ended is not None:
        task["CloseDate"] = wire(ended)
    task["CreateDate"] = wire(case.dates[0])
    task["ModifiedDate"] = wire(modified)
    if case.parent is not None:
        task["ParentTaskId"] = case.parent
    return task


def public(served: bytes) -> bytes:
    """The body without its private notes, as all accounts but the first see it: every third note by its id."""
    task = msgspec.json.decode(served)
    notes = task["TaskWithNotes"]["Notes"]
    task["TaskWithNotes"]["Notes"] = [note for note in notes if note.get("Id", 1) % 3]
    return msgspec.json.encode(task)
