"""A task with all that belongs to it → rows."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from pyrus_etl.model.form import FormValue
from pyrus_etl.model.task import TaskWithNotes
from pyrus_etl.normalize.attachment import attachment
from pyrus_etl.normalize.form import files, form_values
from pyrus_etl.normalize.note import note
from pyrus_etl.normalize.person import person
from pyrus_etl.normalize.project import NO_FORMS, form_of, project_ids
from pyrus_etl.schema.form import form_values as form_values_table
from pyrus_etl.schema.rows import Rows
from pyrus_etl.schema.task import ApprovalRow, TaskProjectRow, TaskRow, approvals, task_projects, tasks

T = TypeVar("T")


def task_rows(task: TaskWithNotes, forms: Mapping[int, int | None] = NO_FORMS) -> Rows:
    """The rows of one task in all tables; ordinals follow the order of the arrays, from 1.

    `forms` says of which form the tasks of a project are, where that is not to be inferred.
    """
    rows = Rows()
    form_id = form_of(task.projects, forms) if any(task.form or ()) else None
    filed_in = project_ids(rows, task.projects)
    rows.add(tasks, _task(rows, task, form_id, next(iter(filed_in), None)))
    for project_no, project_id in enumerate(filed_in, start=1):
        rows.add(task_projects, TaskProjectRow(task.id, project_id, project_no))
    _approvals(rows, task)
    for columns in form_values(rows, task.form, form_id):
        rows.add(form_values_table, (task.id, *columns))
    for note_no, told in _numbered(task.notes):
        note(rows, task.id, note_no, told)
    _attachments(rows, task)
    return rows


def _task(rows: Rows, task: TaskWithNotes, form_id: int | None, main_project_id: int | None) -> TaskRow:
    return TaskRow(
        task_id=task.id,
        text=task.text,
        author_id=person(rows, task.author),
        responsible_id=person(rows, task.responsible),
        due_date=task.due_date,
        asap=bool(task.asap),
        create_date=task.create_date,
        modified_date=task.modified_date,
        close_date=task.close_date,
        parent_task_id=task.parent_task_id,
        is_any_rejected=bool(task.is_any_rejected),
        form_id=form_id,
        main_project_id=main_project_id,
    )


def _approvals(rows: Rows, task: TaskWithNotes) -> None:
    for step_no, step in _numbered(task.approvals):
        for approver_no, approval in _numbered(step):
            choice = approval.choice or "Waiting"
            rows.add(approvals, ApprovalRow(task.id, step_no, approver_no, person(rows, approval.person), choice))


def _attachments(rows: Rows, task: TaskWithNotes) -> None:
    """Files where they first stand: note by note, those attached before those in its form; then the task's form."""
    seen: set[int] = set()
    for note_no, told in _numbered(task.notes):
        for file in told.attachments or []:
            attachment(rows, task.id, file, seen, note_no=note_no, field_id=None)
        _form_files(rows, task.id, told.form, seen, note_no)
    _form_files(rows, task.id, task.form, seen, None)


def _form_files(
    rows: Rows, task_id: int, values: list[FormValue | None] | None, seen: set[int], note_no: int | None
) -> None:
    for _, value in _numbered(values):
        for file in files(rows, value) or []:
            attachment(rows, task_id, file, seen, note_no=note_no, field_id=value.field.id)


def _numbered(elements: list[T | None] | None) -> Iterator[tuple[int, T]]:
    """The elements that are not null, each with its place in the array from 1."""
    return ((number, element) for number, element in enumerate(elements or [], start=1) if element is not None)
