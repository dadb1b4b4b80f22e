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
    """The choice of one approver; no choice means `Waiting`. `step`: the number of the step, if it is served here."""

    person: Person | None = None
    choice: str | None = None
    step: int | None = None


Steps = Sequence[Sequence[Person | Approval | None] | None]
"""Approvers by step; a step that is None was skipped."""

Filed = Sequence[Project | int | None]
"""Projects: whole, or the ids alone if the API gives no more."""


class Member:
    """A person in a list of a note; `unreadable` counts what could not be read.

    This is not a struct, so that msgspec leaves the reading to us: the person may be served in several ways.
    """

    __slots__ = ("person", "unreadable")

    def __init__(self, person: Person, unreadable: int = 0) -> None:
        self.person = person
        self.unreadable = unreadable


class Subscriber(msgspec.Struct, frozen=True, gc=False):
    """A person who follows a task, with a choice if one was asked for."""

    person: Person | None = None
    choice: str | None = None


class TaskStep(msgspec.Struct, frozen=True, gc=False):
    """A step of the form's route, and the milliseconds that the task has spent in it."""

    no: int | None = None
    name: str | None = None
    elapsed_ms: int | None = None


class Channel(msgspec.Struct, frozen=True, gc=False):
    """The way by which a note came or went: email, telegram, …"""

    type: str | None = None


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
    added_projects: Filed | None = None
    removed_projects: Filed | None = None
    due_date_changed: date | None = None
    due_date_removed: bool | None = None
    approvals_added: Steps | None = None
    approvals_removed: Steps | None = None
    approvals_rerequested: Steps | None = None
    attachments: Sequence[Attachment | None] | None = None
    form: Sequence[FormValue | None] | None = None
    subject: str | None = None
    changed_step: int | None = None
    reset_to_step: int | None = None
    approval_step: int | None = None
    due_at: datetime | None = None
    due_minutes: int | None = None
    scheduled_date: date | None = None
    scheduled_at: datetime | None = None
    spent_minutes: int | None = None
    reply_note_id: int | None = None
    edit_note_id: int | None = None
    delete_note_id: int | None = None
    channel: Channel | None = None
    participants_added: Sequence[Member | None] | None = None
    participants_removed: Sequence[Member | None] | None = None
    subscribers_added: Sequence[Member | None] | None = None
    subscribers_removed: Sequence[Member | None] | None = None
    subscribers_rerequested: Sequence[Member | None] | None = None
    mentioned: Sequence[Member | None] | None = None


class Task(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A task, in full or in part: what is UNSET was not served. In `approvals` a step that is None was skipped.

    `form_id` is UNSET if the API does not say which form a task has. `last_note_id`: as a list shows it. `deleted`: the
    answer says that the task was deleted.
    """

    id: int
    text: Given[str] = UNSET
    author: Given[Person] = UNSET
    responsible: Given[Person] = UNSET
    due_date: Given[date] = UNSET
    asap: Given[bool] = UNSET
    projects: Given[Filed] = UNSET
    create_date: Given[datetime] = UNSET
    modified_date: Given[datetime] = UNSET
    close_date: Given[datetime] = UNSET
    is_closed: Given[bool] = UNSET
    parent_task_id: Given[int] = UNSET
    approvals: Given[Sequence[Sequence[Approval | None] | None]] = UNSET
    form: Given[Sequence[FormValue | None]] = UNSET
    notes: Given[Sequence[Note | None]] = UNSET
    is_any_rejected: Given[bool] = UNSET
    form_id: Given[int] = UNSET
    subject: Given[str] = UNSET
    current_step: Given[int] = UNSET
    due_at: Given[datetime] = UNSET
    due_minutes: Given[int] = UNSET
    scheduled_date: Given[date] = UNSET
    scheduled_at: Given[datetime] = UNSET
    steps: Given[Sequence[TaskStep | None]] = UNSET
    participants: Given[Sequence[Person | None]] = UNSET
    subscribers: Given[Sequence[Subscriber | None]] = UNSET
    linked_task_ids: Given[Sequence[int | None]] = UNSET
    attachments: Given[Sequence[Attachment | None]] = UNSET
    last_note_id: int | None = None
    deleted: bool | None = None

    @property
    def last_change(self) -> datetime | None:
        """`modified_date`; None if the answer does not give it."""
        return None if self.modified_date is UNSET else self.modified_date
