"""A task, in full or in part → rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from pyrus_etl.given import UNSET, Given, UnsetType
from pyrus_etl.model.task import Approval, Filed, Note, Task
from pyrus_etl.normalize.attachment import add_attachments
from pyrus_etl.normalize.form import add_form
from pyrus_etl.normalize.members import add_members
from pyrus_etl.normalize.note import add_notes
from pyrus_etl.normalize.numbered import numbered
from pyrus_etl.normalize.person import add_person
from pyrus_etl.normalize.project import NO_OVERRIDES, add_projects, form_of
from pyrus_etl.schema.rows import Rows
from pyrus_etl.schema.task import ApprovalRow, TaskProjectRow, TaskRow, approvals, task_projects, tasks

S = TypeVar("S")
T = TypeVar("T")


def task_rows(
    task: Task,
    form_overrides: Mapping[int, int | None] = NO_OVERRIDES,
    *,
    detail_at: datetime | UnsetType = UNSET,
) -> Rows:
    """The rows of one task, in all tables for which the task has contents; ordinals follow the arrays, from 1.

    The rows claim the tables whose contents the task gives. What it does not give (UNSET) is not claimed, and a column
    of `tasks` that it does not give is UNSET. `form_overrides`: project id → form id, set manually. `detail_at`: when
    the whole task was fetched.
    """
    rows = Rows()
    form_id = _form_id(task, form_overrides)
    main_project_id = _if_given(task.projects, lambda projects: _add_task_projects(rows, task.id, projects))
    rows.add(tasks, _task_row(rows, task, form_id, main_project_id, detail_at))
    if task.approvals is not UNSET:
        _add_approvals(rows, task.id, task.approvals)
    if task.form is not UNSET:
        add_form(rows, task.id, task.form, form_id or None)
    if task.notes is not UNSET:
        add_notes(rows, task.id, task.notes)
    if task.notes is not UNSET and task.form is not UNSET:
        add_attachments(rows, task.id, task.notes, task.form, task.attachments or ())
    add_members(rows, task)
    return rows


def _if_given(value: S | UnsetType, make: Callable[[S], T]) -> T | UnsetType:
    return UNSET if value is UNSET else make(value)


def _form_id(task: Task, overrides: Mapping[int, int | None]) -> Given[int]:
    """The form as served, or else that of a task with form values, inferred from its projects; see `form_of`."""
    if task.form_id is not UNSET:
        return task.form_id
    if task.form is UNSET or task.projects is UNSET:
        return UNSET
    return form_of(task.projects, overrides) if any(task.form or ()) else None


def _task_row(
    rows: Rows, task: Task, form_id: Given[int], main_project_id: Given[int], detail_at: datetime | UnsetType
) -> TaskRow:
    return TaskRow(
        task.id,
        task.text,
        _if_given(task.author, lambda person: add_person(rows, person)),
        _if_given(task.responsible, lambda person: add_person(rows, person)),
        task.due_date,
        _if_given(task.asap, bool),
        task.create_date,
        task.modified_date,
        task.close_date,
        task.parent_task_id,
        _if_given(task.is_any_rejected, bool),
        form_id,
        main_project_id,
        task.subject,
        _is_closed(task),
        task.current_step,
        task.due_at,
        task.due_minutes,
        task.scheduled_date,
        task.scheduled_at,
        _if_given(task.notes, _last_note_id),
        detail_at,
    )


def _is_closed(task: Task) -> bool | UnsetType:
    """Whether the task is closed, as served, or else by the time when it was closed."""
    if task.is_closed is UNSET or task.is_closed is None:
        return _if_given(task.close_date, lambda date: date is not None)
    return task.is_closed


def _last_note_id(notes: Sequence[Note | None] | None) -> int | None:
    return max((note.id for note in notes or () if note and note.id is not None), default=None)


def _add_task_projects(rows: Rows, task_id: int, projects: Filed | None) -> int | None:
    """Adds the projects that the task is filed in, and returns the main one, which is the first."""
    rows.claim(task_projects)
    filed_in = add_projects(rows, projects)
    for project_no, project_id in enumerate(filed_in, start=1):
        rows.add(task_projects, TaskProjectRow(task_id, project_id, project_no))
    return next(iter(filed_in), None)


def _add_approvals(rows: Rows, task_id: int, steps: Sequence[Sequence[Approval | None] | None] | None) -> None:
    rows.claim(approvals)
    for step_no, step in numbered(steps):
        for approver_no, approval in numbered(step):
            person_id, choice = add_person(rows, approval.person), approval.choice or "Waiting"
            rows.add(approvals, ApprovalRow(task_id, step_no, approver_no, person_id, choice))
