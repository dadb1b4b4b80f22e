"""The structs of the restapi as served: names in PascalCase, dates as `/Date(ms)/`.

Each is a struct of the model with the vendor's spelling, so a decoded body needs no conversion. GetTask returns the
whole task, so a property that is missing there is empty. https://pyrus.com/en/api-v3 describes the classes. Every
property may be missing or null, and any element of an array may be null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from pyrus_etl.extract.v3.dates import Day, Instant
from pyrus_etl.model import attachment, form, person, project, task
from pyrus_etl.model.form import FormValue

Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An identifier; it fits PostgreSQL's bigint."""


class Attachment(attachment.Attachment, frozen=True, gc=False, rename="pascal"):
    id: Id | None = None
    name: str | None = None
    size: Id | None = None
    download_url: str | None = None
    existing_id: Id | None = None
    md5_hash: str | None = msgspec.field(name="MD5Hash", default=None)


class FormField(form.FormField, frozen=True, gc=False, rename="pascal"):
    id: Id | None = None
    type: str | None = None
    name: str | None = None
    parent_id: Id | None = None


class Person(person.Person, frozen=True, gc=False, rename="pascal"):
    id: Id | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    can_send_notification: bool | None = None


class Organization(person.Organization, frozen=True, gc=False, rename="pascal"):
    id: Id | None = None
    name: str | None = None
    persons: Sequence[Person | None] | None = None


class Contacts(person.Contacts, frozen=True, gc=False, rename="pascal"):
    organizations: Sequence[Organization | None] | None = None


class Profile(person.Profile, frozen=True, gc=False, rename="pascal"):
    id: Id
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    organization_id: Id | None = None


class Project(project.Project, frozen=True, gc=False, rename="pascal"):
    id: Id | None = None
    name: str | None = None
    parent: Project | None = None


class PersonApproval(task.Approval, frozen=True, gc=False, kw_only=True, rename="pascal"):
    person: Person | None = None
    choice: str | None = None


Steps = Sequence[Sequence[Person | None] | None]


class TaskNote(task.Note, frozen=True, gc=False, kw_only=True, rename="pascal"):
    id: Id | None = None
    user_id: Id | None = None
    create_date: Instant | None = None
    author: Person | None = None
    text: str | None = None
    reassigned_to: Person | None = None
    activity_action: str | None = None
    approval_choice: str | None = None
    added_projects: Sequence[Project | None] | None = None
    removed_projects: Sequence[Project | None] | None = None
    due_date_changed: Day | None = None
    due_date_removed: bool | None = None
    approvals_added: Steps | None = None
    approvals_removed: Steps | None = None
    approvals_rerequested: Steps | None = None
    attachments: Sequence[Attachment | None] | None = None
    form: Sequence[FormValue | None] | None = None


class TaskWithNotes(task.Task, frozen=True, gc=False, kw_only=True, rename="pascal"):
    id: Id
    text: str | None = None
    author: Person | None = None
    responsible: Person | None = None
    due_date: Day | None = None
    asap: bool | None = None
    projects: Sequence[Project | None] | None = None
    create_date: Instant | None = None
    modified_date: Instant | None = None
    close_date: Instant | None = None
    parent_task_id: Id | None = None
    approvals: Sequence[Sequence[PersonApproval | None] | None] | None = None
    form: Sequence[FormValue | None] | None = None
    notes: Sequence[TaskNote | None] | None = None
    is_any_rejected: bool | None = None


class TaskHeader(task.TaskHeader, frozen=True, gc=False, rename="pascal"):
    id: Id
    modified_date: Instant | None = None


class TaskList(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A list of tasks in no reliable order; `has_more_tasks` if it is incomplete."""

    tasks: list[TaskHeader | None] | None = None
    has_more_tasks: bool | None = None

    @property
    def has_more(self) -> bool | None:
        return self.has_more_tasks

    @property
    def headers(self) -> list[TaskHeader]:
        return [header for header in self.tasks or [] if header]


class TaskBody(msgspec.Struct, rename="pascal"):
    """The answer to GetTask, and to every write."""

    task_with_notes: TaskWithNotes
