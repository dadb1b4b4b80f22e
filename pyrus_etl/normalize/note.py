"""Notes → rows."""

from collections.abc import Sequence

from pyrus_etl.model.task import Note, Steps
from pyrus_etl.normalize.form import add_note_form
from pyrus_etl.normalize.numbered import numbered
from pyrus_etl.normalize.person import add_person
from pyrus_etl.normalize.project import add_projects
from pyrus_etl.schema.form import note_form_values
from pyrus_etl.schema.note import NoteApprovalRow, NoteProjectRow, NoteRow, note_approvals, note_projects, notes
from pyrus_etl.schema.rows import NOTE_ITEMS, Rows


def add_notes(rows: Rows, task_id: int, given: Sequence[Note | None] | None) -> None:
    """Adds the notes of a task and everything that they changed, except their files."""
    rows.claim(notes, note_projects, note_approvals, note_form_values, NOTE_ITEMS)
    for note_no, note in numbered(given):
        _add_note(rows, task_id, note_no, note)


def _add_note(rows: Rows, task_id: int, note_no: int, note: Note) -> None:
    row = NoteRow(
        task_id=task_id,
        note_no=note_no,
        note_id=note.id,
        author_id=add_person(rows, note.author),
        create_date=note.create_date,
        text=note.text,
        reassigned_to_id=add_person(rows, note.reassigned_to),
        activity_action=note.activity_action,
        approval_choice=note.approval_choice,
        due_date_changed=note.due_date_changed,
        due_date_removed=bool(note.due_date_removed),
        user_id=note.user_id,
    )
    rows.add(notes, row)
    for change, projects in (("added", note.added_projects), ("removed", note.removed_projects)):
        for project_id in add_projects(rows, projects) if projects else ():
            rows.add(note_projects, NoteProjectRow(task_id, note_no, project_id, change))
    _add_approvals(rows, task_id, note_no, note)
    if note.form:
        add_note_form(rows, task_id, note_no, note.form)


def _add_approvals(rows: Rows, task_id: int, note_no: int, note: Note) -> None:
    _add_steps(rows, (task_id, note_no, "added"), note.approvals_added, note)
    _add_steps(rows, (task_id, note_no, "removed"), note.approvals_removed, note)
    _add_steps(rows, (task_id, note_no, "rerequested"), note.approvals_rerequested, note)


def _add_steps(rows: Rows, key: tuple[int, int, str], steps: Steps | None, note: Note) -> None:
    """Step and approver are numbered from 1; a skipped (null) step keeps its number."""
    for step_no, step in numbered(steps) if steps else ():
        for approver_no, approver in numbered(step):
            person_id = add_person(rows, approver)
            rows.add(note_approvals, NoteApprovalRow(*key, step_no, approver_no, person_id, note.create_date))
