"""Tasks, their notes (comments) and approvals."""

import msgspec

from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project
from pyrus_etl.model.values import Day, Id, Instant


class TaskHeader(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """What a list tells of a task, as far as a sync needs it; more is in the task itself."""

    id: Id
    modified_date: Instant | None = None


class TaskList(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A list of tasks, in no order to rely on; `has_more_tasks` where it is not the whole of it."""

    tasks: list[TaskHeader | None] | None = None
    has_more_tasks: bool | None = None

    @property
    def headers(self) -> list[TaskHeader]:
        return [header for header in self.tasks or [] if header]


class PersonApproval(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """The choice of one approver; no choice means `Waiting`."""

    person: Person | None = None
    choice: str | None = None


class TaskNote(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A comment, and what it changed. Most notes come without an id."""

    id: Id | None = None
    task_id: Id | None = None
    user_id: Id | None = None
    create_date: Instant | None = None
    author: Person | None = None
    text: str | None = None
    reassigned_to: Person | None = None
    activity_action: str | None = None
    approval_choice: str | None = None
    added_projects: list[Project | None] | None = None
    removed_projects: list[Project | None] | None = None
    due_date_changed: Day | None = None
    due_date_removed: bool | None = None
    approvals_added: list[list[Person | None] | None] | None = None
    approvals_removed: list[list[Person | None] | None] | None = None
    approvals_rerequested: list[list[Person | None] | None] | None = None
    attachments: list[Attachment | None] | None = None
    form: list[FormValue | None] | None = None


class TaskWithNotes(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A task in full. In `approvals` a step that is None was skipped."""

    id: Id
    text: str | None = None
    author: Person | None = None
    responsible: Person | None = None
    due_date: Day | None = None
    asap: bool | None = None
    projects: list[Project | None] | None = None
    create_date: Instant | None = None
    modified_date: Instant | None = None
    close_date: Instant | None = None
    parent_task_id: Id | None = None
    approvals: list[list[PersonApproval | None] | None] | None = None
    form: list[FormValue | None] | None = None
    notes: list[TaskNote | None] | None = None
    is_any_rejected: bool | None = None
