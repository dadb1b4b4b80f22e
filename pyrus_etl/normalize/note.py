"""Notes → rows."""

from collections.abc import Iterator

from pyrus_etl.model.person import Person
from pyrus_etl.model.task import TaskNote
from pyrus_etl.normalize.form import form_values
from pyrus_etl.normalize.person import person
from pyrus_etl.normalize.project import project_ids
from pyrus_etl.schema.form import note_form_values
from pyrus_etl.schema.note import NoteApprovalRow, NoteProjectRow, NoteRow, note_approvals, note_projects, notes
from pyrus_etl.schema.rows import Rows

Steps = list[list[Person | None] | None] | None


def note(rows: Rows, task_id: int, note_no: int, told: TaskNote) -> None:
    """Adds a note and everything that it changed, but for its files."""
    row = NoteRow(
        task_id=task_id,
        note_no=note_no,
        note_id=told.id,
        author_id=person(rows, told.author),
        create_date=told.create_date,
        text=told.text,
        reassigned_to_id=person(rows, told.reassigned_to),
        activity_action=told.activity_action,
        approval_choice=told.approval_choice,
        due_date_changed=told.due_date_changed,
        due_date_removed=bool(told.due_date_removed),
        user_id=told.user_id,
    )
    rows.add(notes, row)
    _projects(rows, task_id, note_no, told)
    _approvals(rows, task_id, note_no, told)
    for columns in form_values(rows, told.form) if told.form else ():
        rows.add(note_form_values, (task_id, note_no, *columns))


def _projects(rows: Rows, task_id: int, note_no: int, told: TaskNote) -> None:
    for change, projects in (("added", told.added_projects), ("removed", told.removed_projects)):
        if projects:
            for project_id in project_ids(rows, projects):
                rows.add(note_projects, NoteProjectRow(task_id, note_no, project_id, change))


def _approvals(rows: Rows, task_id: int, note_no: int, told: TaskNote) -> None:
    changes = (
        ("added", told.approvals_added),
        ("removed", told.approvals_removed),
        ("rerequested", told.approvals_rerequested),
    )
    for change, steps in changes:
        for step_no, approver_no, approver in _in_steps(steps) if steps else ():
            key = (task_id, note_no, change, step_no, approver_no)
            rows.add(note_approvals, NoteApprovalRow(*key, person(rows, approver), told.create_date))


def _in_steps(steps: Steps) -> Iterator[tuple[int, int, Person]]:
    """Step and place, both from 1, of every approver; a skipped (null) step keeps its number."""
    for step_no, step in enumerate(steps or [], start=1):
        for approver_no, approver in enumerate(step or [], start=1):
            if approver is not None:
                yield step_no, approver_no, approver
