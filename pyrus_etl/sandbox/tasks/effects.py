"""What a comment that an account wrote does to a task. A part that changes nothing leaves no trace.

"If the task is not changed and the comment text is empty, a comment will not be created."
(https://pyrus.com/en/api-v3)
"""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.by_id import PERSONS, PROJECTS
from pyrus_etl.sandbox.organisation.clock import wire
from pyrus_etl.sandbox.tasks.comments import CLOSES, Comment, Due, Value, shown, whole_day
from pyrus_etl.sandbox.tasks.drafts import Draft

Json = dict[str, Any]

ALWAYS = {"CreateDate", "Author", "Id", "TaskId"}
"""What every note has."""


def write(draft: Draft, comment: Comment, date: int) -> None:
    """Appends the comment to a task, or edits one; refused if the author may not decide."""
    if comment.edits is not None:
        draft.notes[draft.places.index(comment.edits)]["Text"] = comment.text
        draft.modified = date
        return
    note = draft.note(date, PERSONS[comment.author].full)
    draft.by_api[draft.places[-1]] = comment
    if comment.text:
        note["Text"] = comment.text
    for effect in (act, choose, reassign, postpone, file_in_lists, ask, fill):
        effect(draft, note, comment)
    if comment.files:
        note["Attachments"] = [shown(draft.origin, file) for file in comment.files]


def says_something(draft: Draft, comment: Comment) -> bool:
    """Whether the comment, the last one of the draft, has a text or changed the task."""
    return comment.edits is not None or bool(draft.notes[-1].keys() - ALWAYS or comment.extras or comment.beside)


def act(draft: Draft, note: Json, comment: Comment) -> None:
    action = comment.action or ("Reopen" if comment.reopens and draft.closed is not None else "")
    if action and CLOSES[action] != (draft.closed is not None):
        note["ActivityAction"] = action
        draft.closed = draft.modified if CLOSES[action] else None


def choose(draft: Draft, note: Json, comment: Comment) -> None:
    if not comment.choice:
        return
    votes = asked_of(draft, comment)
    if not votes:
        raise Refused("BehavioralTaskAccessViolation", about="The author of the comment is not asked to approve.")
    changed = [vote for vote in votes if vote.get("Choice") != comment.choice]
    for vote in changed:
        vote["Choice"] = note["ApprovalChoice"] = comment.choice
        draft.decided = (vote["Person"], note["CreateDate"])


def asked_of(draft: Draft, comment: Comment) -> list[Json]:
    """The approvals that the choice is about: those of the steps, or the author's next one, or the last one given."""
    person = PERSONS[comment.author].full
    own = [
        (number, vote)
        for number, step in enumerate(draft.steps, 1)
        for vote in step or ()
        if vote["Person"] is person or vote["Person"] is PERSONS[comment.author].brief
    ]
    if comment.steps:
        return [vote for number, vote in own if number in comment.steps]
    waiting = [] if comment.choice == "Revoked" else [vote for _, vote in own if "Choice" not in vote]
    return waiting[:1] or [vote for _, vote in own[-1:]]


def reassign(draft: Draft, note: Json, comment: Comment) -> None:
    person = PERSONS[comment.responsible].full if comment.responsible is not None else draft.responsible
    if person is not draft.responsible:
        draft.responsible = note["ReassignedTo"] = person


def postpone(draft: Draft, note: Json, comment: Comment) -> None:
    if comment.due and comment.due != due_of(draft):
        draft.due, draft.due_written = comment.due.day, comment.due
        note["DueDateChanged"] = wire(comment.due.day)
    elif comment.clears_due and draft.due is not None:
        draft.due = None
        note["DueDateRemoved"] = True


def due_of(draft: Draft) -> Due | None:
    """The due date as it was written; the day alone if no API wrote it."""
    if draft.due_written and draft.due_written.day == draft.due:
        return draft.due_written
    return None if draft.due is None else whole_day(draft.due)


def file_in_lists(draft: Draft, note: Json, comment: Comment) -> None:
    there = {project.id for project in draft.projects}
    added = [PROJECTS[one] for one in comment.added_projects if one not in there]
    removed = [one for one in draft.projects if one.id in comment.removed_projects]
    draft.projects = [one for one in draft.projects if one not in removed] + added
    if added:
        note["AddedProjects"] = [project.json for project in added]
    if removed:
        note["RemovedProjects"] = [project.json for project in removed]


def ask(draft: Draft, note: Json, comment: Comment) -> None:
    """Adds approvals to steps, removes them, and asks for them again."""
    if any(added := [add_to_step(draft, place, step) for place, step in enumerate(comment.approvals_added)]):
        note["ApprovalsAdded"] = added
    removed_ids = {one for step in comment.approvals_removed for one in step}
    if any(removed := [remove_from(step or [], removed_ids) for step in draft.steps]):
        note["ApprovalsRemoved"] = removed
    again_ids = {one for step in comment.approvals_rerequested for one in step}
    if any(again := [ask_again(step or [], again_ids) for step in draft.steps]):
        note["ApprovalsRerequested"] = again


def add_to_step(draft: Draft, place: int, persons: tuple[int, ...]) -> list[msgspec.Raw]:
    """Asks these persons in a step; returns those who were not asked in it before."""
    while len(draft.steps) <= place:
        draft.steps.append([])
    step = draft.steps[place] or []
    new = [PERSONS[one] for one in persons if not any(is_of(vote, one) for vote in step)]
    draft.steps[place] = [*step, *({"Person": one.full} for one in new)] if new or step else draft.steps[place]
    return [one.brief for one in new]


def remove_from(step: list[Json], persons: set[int]) -> list[Any]:
    gone = [vote for vote in step if any(is_of(vote, one) for one in persons)]
    step[:] = [vote for vote in step if vote not in gone]
    return [vote["Person"] for vote in gone]


def ask_again(step: list[Json], persons: set[int]) -> list[Any]:
    again = [vote for vote in step if "Choice" in vote and any(is_of(vote, one) for one in persons)]
    for vote in again:
        del vote["Choice"]
    return [vote["Person"] for vote in again]


def is_of(vote: Json, person_id: int) -> bool:
    return vote["Person"] in (PERSONS[person_id].full, PERSONS[person_id].brief)


def fill(draft: Draft, note: Json, comment: Comment) -> None:
    """Sets fields of the form. The note shows them as the form does: a table's title before its cells."""
    form: list[Json] = []
    titles: dict[int, Json] = {}
    for value in comment.values:
        written = form_value(draft, value)
        if value.row is None:
            draft.changes[value.field.id] = written
            draft.rows_gone |= {(value.field.id, row) for row in value.gone}
        else:
            title_id = value.field.parent or 0
            if title_id not in titles:
                titles[title_id] = {"Field": draft.case.kind.field(title_id).json, "Rows": []}
                form.append(titles[title_id])
            if {"RowId": value.row} not in titles[title_id]["Rows"]:
                titles[title_id]["Rows"].append({"RowId": value.row})
            draft.cells[value.field.id, value.row] = written
            draft.rows_gone.discard((title_id, value.row))
        form.append(written)
    for extra in comment.extras:
        draft.extras[extra.head["id"]] = extra
    if form:
        note["Form"] = form


def form_value(draft: Draft, value: Value) -> Json:
    """The FormValue of API v3."""
    field: Json = {"Field": value.field.json} if value.row is None else {"Field": value.field.json, "RowId": value.row}
    if value.files:
        return field | {value.field.type: [shown(draft.origin, file) for file in value.files]}
    return field | value.written
