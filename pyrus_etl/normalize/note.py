"""Notes → rows."""

from collections.abc import Iterator, Sequence
from operator import attrgetter

from pyrus_etl.model.person import Person
from pyrus_etl.model.task import Approval, Note, Steps
from pyrus_etl.normalize.form import add_note_form
from pyrus_etl.normalize.numbered import numbered
from pyrus_etl.normalize.person import add_person
from pyrus_etl.normalize.project import add_projects
from pyrus_etl.schema.form import note_form_values
from pyrus_etl.schema.note import (
    NoteApprovalRow,
    NotePersonRow,
    NoteProjectRow,
    NoteRow,
    note_approvals,
    note_persons,
    note_projects,
    notes,
)
from pyrus_etl.schema.rows import NOTE_ITEMS, Rows

_APPROVALS = ("added", "removed", "rerequested")
_approvals = attrgetter(*(f"approvals_{change}" for change in _APPROVALS))
_PERSONS = {
    "participant_added": "participants_added",
    "participant_removed": "participants_removed",
    "subscriber_added": "subscribers_added",
    "subscriber_removed": "subscribers_removed",
    "subscriber_rerequested": "subscribers_rerequested",
    "mentioned": "mentioned",
}
_persons = attrgetter(*_PERSONS.values())


def add_notes(rows: Rows, task_id: int, given: Sequence[Note | None] | None) -> None:
    """Adds the notes of a task and everything that they changed, except their files."""
    rows.claim(notes, note_projects, note_approvals, note_persons, note_form_values, NOTE_ITEMS)
    for note_no, note in numbered(given):
        _add_note(rows, task_id, note_no, note)


def _add_note(rows: Rows, task_id: int, note_no: int, note: Note) -> None:
    row = NoteRow(
        task_id,
        note_no,
        note.id,
        add_person(rows, note.author),
        note.create_date,
        note.text,
        add_person(rows, note.reassigned_to),
        note.activity_action,
        note.approval_choice,
        note.due_date_changed,
        bool(note.due_date_removed),
        note.user_id,
        note.subject,
        note.changed_step,
        note.reset_to_step,
        note.approval_step,
        note.due_at,
        note.due_minutes,
        note.scheduled_date,
        note.scheduled_at,
        note.spent_minutes,
        note.reply_note_id,
        note.edit_note_id,
        note.delete_note_id,
        note.channel.type if note.channel else None,
    )
    rows.add(notes, row)
    for change, projects in (("added", note.added_projects), ("removed", note.removed_projects)):
        for project_id in add_projects(rows, projects) if projects else ():
            rows.add(note_projects, NoteProjectRow(task_id, note_no, project_id, change))
    _add_approvals(rows, task_id, note_no, note)
    _add_persons(rows, task_id, note_no, note)
    if note.form:
        add_note_form(rows, task_id, note_no, note.form)


def _add_approvals(rows: Rows, task_id: int, note_no: int, note: Note) -> None:
    for change, steps in zip(_APPROVALS, _approvals(note), strict=True):
        if steps:
            _add_steps(rows, (task_id, note_no, change), steps, note)


def _add_steps(rows: Rows, key: tuple[int, int, str], steps: Steps, note: Note) -> None:
    """Step and approver are numbered from 1; a skipped (null) step keeps its number."""
    for step_no, step in numbered(steps):
        approvers: Iterator[tuple[int, Person | Approval]] = numbered(step)
        for approver_no, approver in approvers:
            person, told_step = _approver(approver)
            row = NoteApprovalRow(*key, step_no, approver_no, add_person(rows, person), note.create_date, told_step)
            rows.add(note_approvals, row)


def _approver(approver: Person | Approval) -> tuple[Person | None, int | None]:
    """The person, and the step if it is served with the person."""
    return (approver.person, approver.step) if isinstance(approver, Approval) else (approver, None)


def _add_persons(rows: Rows, task_id: int, note_no: int, note: Note) -> None:
    """Everybody else whom the note added, removed, asked again or mentioned."""
    given = _persons(note)
    if not any(given):
        return
    for change, members in zip(_PERSONS, given, strict=True):
        for person_no, member in numbered(members) if members else ():
            rows.unreadable += member.unreadable
            person_id = add_person(rows, member.person)
            rows.add(note_persons, NotePersonRow(task_id, note_no, change, person_no, person_id))
