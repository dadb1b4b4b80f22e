"""Tasks, their notes (comments) and approvals."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from pyrus_etl.given import UNSET, Given
from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project


class TaskHeader(msgspec.Struct, frozen=True, gc=False):
    """A task in a list: the id; the date of its last change and the id of its last note, if the list has them."""

    id: int
    modified_date: datetime | None = None
    last_note_id: int | None = None


class Approval(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The choice of one approver; no choice means `Waiting`."""

    person: Person | None = None
    choice: str | None = None


Steps = Sequence[Sequence[Person | None] | None]
"""Approvers by step; a step that is None was skipped."""


class Note(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A comment, and what it changed. Most notes come without an id. A task has all its notes in full, or none."""

    id: int | None = None
    user_id: int | None = None
    create_date: datetime | None = None
    author: Person | None = None
    text: str | None = None
    reassigned_to: Person | None = None
    activity_action: str | None = None
    approval_choice: str | None = None
    added_projects: Sequence[Project | None] | None = None
    removed_projects: Sequence[Project | None] | None = None
    due_date_changed: date | None = None
    due_date_removed: bool | None = None
    approvals_added: Steps | None = None
    approvals_removed: Steps | None = None
    approvals_rerequested: Steps | None = None
    attachments: Sequence[Attachment | None] | None = None
    form: Sequence[FormValue | None] | None = None


class Task(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A task, in full or in part: what is UNSET was not served. In `approvals` a step that is None was skipped."""

    id: int
    text: Given[str] = UNSET
    author: Given[Person] = UNSET
    responsible: Given[Person] = UNSET
    due_date: Given[date] = UNSET
    asap: Given[bool] = UNSET
    projects: Given[Sequence[Project | None]] = UNSET
    create_date: Given[datetime] = UNSET
    modified_date: Given[datetime] = UNSET
    close_date: Given[datetime] = UNSET
    is_closed: Given[bool] = UNSET
    parent_task_id: Given[int] = UNSET
    approvals: Given[Sequence[Sequence[Approval | None] | None]] = UNSET
    form: Given[Sequence[FormValue | None]] = UNSET
    notes: Given[Sequence[Note | None]] = UNSET
    is_any_rejected: Given[bool] = UNSET

    @property
    def last_change(self) -> datetime | None:
        """`modified_date`; None if the answer does not give it."""
        return None if self.modified_date is UNSET else self.modified_date
