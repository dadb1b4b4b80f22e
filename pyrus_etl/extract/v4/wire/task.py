"""The structs of tasks in API v4 as served; https://pyrus.com/en/help/api/tasks describes them.

Each is a struct of the model with the vendor's spelling, so a decoded body needs no conversion. GetTask returns the
whole task, so a property that is missing there is empty. Every property may be missing or null, and any element of an
array may be null.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import force_setattr

from pyrus_etl.extract.v4.wire.dates import Day, Instant, day_of
from pyrus_etl.extract.v4.wire.directory import Id, Number, Person
from pyrus_etl.extract.v4.wire.form import Attachment, Field
from pyrus_etl.extract.v4.wire.values import values_of
from pyrus_etl.extract.v4.wire.whole import Whole
from pyrus_etl.given import UNSET, UnsetType
from pyrus_etl.model import task
from pyrus_etl.model.task import Member


class Choice(str):
    """An approver's choice, in v3's word; a word that v3 does not know stays as served."""

    __slots__ = ()


class Action(str):
    """What a comment did to the task, in v3's word; a word that v3 does not know stays as served."""

    __slots__ = ()


class Approval(task.Approval, frozen=True, gc=False, kw_only=True, rename={"choice": "approval_choice"}):
    person: Person | None = None
    choice: Choice | None = None
    step: Whole | None = None


Fields = Sequence[Field | None] | None
"""Fields as served, which `__post_init__` replaces by their values."""

Approvals = Sequence[Sequence[Approval | None] | None]


class Subscriber(task.Subscriber, frozen=True, gc=False, rename={"choice": "approval_choice"}):
    person: Person | None = None
    choice: Choice | None = None


class Step(task.TaskStep, frozen=True, gc=False, rename={"no": "step", "elapsed_ms": "elapsed_time"}):
    no: Number | None = None
    name: str | None = None
    elapsed_ms: Whole | None = None


class Channel(task.Channel, frozen=True, gc=False):
    type: str | None = None


class Comment(
    task.Note,
    frozen=True,
    gc=False,
    kw_only=True,
    rename={
        "user_id": None,
        "activity_action": "action",
        "added_projects": "added_list_ids",
        "removed_projects": "removed_list_ids",
        "due_date_changed": "due_date",
        "due_date_removed": "cancel_due",
        "due_at": "due",
        "due_minutes": "duration",
        "scheduled_at": "scheduled_datetime_utc",
        "edit_note_id": "edit_comment_id",
        "delete_note_id": "delete_comment_id",
        "form": "field_updates",
        "mentioned": "mentions",
    },
):
    id: Id | None = None
    create_date: Instant | None = None
    author: Person | None = None
    text: str | None = None
    reassigned_to: Person | None = None
    activity_action: Action | None = None
    approval_choice: Choice | None = None
    added_projects: Sequence[Id | None] | None = None
    removed_projects: Sequence[Id | None] | None = None
    due_date_changed: Day | None = None
    due_date_removed: bool | None = None
    approvals_added: Approvals | None = None
    approvals_removed: Approvals | None = None
    approvals_rerequested: Approvals | None = None
    attachments: Sequence[Attachment | None] | None = None
    form: Fields = None  # type: ignore[assignment] # only until __post_init__
    subject: str | None = None
    changed_step: Whole | None = None
    reset_to_step: Whole | None = None
    approval_step: Whole | None = None
    due_at: Instant | None = None
    due_minutes: Whole | None = None
    scheduled_date: Day | None = None
    scheduled_at: Instant | None = None
    spent_minutes: Whole | None = None
    reply_note_id: Id | None = None
    edit_note_id: Id | None = None
    delete_note_id: Id | None = None
    channel: Channel | None = None
    participants_added: Sequence[Member | None] | None = None
    participants_removed: Sequence[Member | None] | None = None
    subscribers_added: Sequence[Member | None] | None = None
    subscribers_removed: Sequence[Member | None] | None = None
    subscribers_rerequested: Sequence[Member | None] | None = None
    mentioned: Sequence[Member | None] | None = None

    def __post_init__(self) -> None:
        if self.form is not None:
            force_setattr(self, "form", values_of(self.form))
        if self.due_date_changed is None and self.due_at is not None:
            force_setattr(self, "due_date_changed", day_of(self.due_at))


_TASK = {
    "modified_date": "last_modified_date",
    "projects": "list_ids",
    "form": "fields",
    "notes": "comments",
    "due_at": "due",
    "due_minutes": "duration",
    "scheduled_at": "scheduled_datetime_utc",
}
"""Property of a task → its name in API v4, if that is another."""


class Task(task.Task, frozen=True, gc=False, kw_only=True, rename=_TASK):
    """A whole task. It is rejected if any approver rejected it; only v3 has tasks to do as soon as possible."""

    id: Id
    text: str | None = None
    subject: str | None = None
    author: Person | None = None
    responsible: Person | None = None
    due_date: Day | None = None
    due_at: Instant | None = None
    due_minutes: Whole | None = None
    scheduled_date: Day | None = None
    scheduled_at: Instant | None = None
    projects: Sequence[Id | None] | None = None
    create_date: Instant | None = None
    modified_date: Instant | None = None
    close_date: Instant | None = None
    is_closed: bool | None = None
    parent_task_id: Id | None = None
    form_id: Id | None = None
    current_step: Whole | None = None
    steps: Sequence[Step | None] | None = None
    approvals: Approvals | None = None
    participants: Sequence[Person | None] | None = None
    subscribers: Sequence[Subscriber | None] | None = None
    linked_task_ids: Sequence[Id | None] | None = None
    attachments: Sequence[Attachment | None] | None = None
    form: Fields = None  # type: ignore[assignment] # only until __post_init__
    notes: Sequence[Comment | None] | None = None
    last_note_id: Id | None = None
    deleted: bool | None = None

    def __post_init__(self) -> None:
        if self.form is not None:
            force_setattr(self, "form", values_of(self.form))
        approvals = [approval for step in self.approvals or () for approval in step or () if approval]
        force_setattr(self, "asap", False)
        force_setattr(self, "is_any_rejected", any(approval.choice == "Rejected" for approval in approvals))
        if self.due_date is None and self.due_at is not None:
            force_setattr(self, "due_date", day_of(self.due_at))


class RegisterRow(msgspec.Struct, frozen=True, gc=False, rename=_TASK):
    """A task in the register of its form, which gives these properties and no others."""

    id: Id
    create_date: Instant | UnsetType | None = UNSET
    modified_date: Instant | UnsetType | None = UNSET
    current_step: Whole | UnsetType | None = UNSET
    form: Fields | UnsetType = UNSET
    last_note_id: Id | None = None

    def __post_init__(self) -> None:
        if isinstance(self.form, list):
            force_setattr(self, "form", values_of(self.form))

    @property
    def task(self) -> task.Task:
        """What the row gives of the task."""
        return task.Task(
            id=self.id,
            create_date=self.create_date,
            modified_date=self.modified_date,
            current_step=self.current_step,
            form=self.form,  # type: ignore[arg-type] # read by __post_init__
            last_note_id=self.last_note_id,
        )


class ListRow(msgspec.Struct, frozen=True, gc=False, rename=_TASK):
    """A task in a list or in the inbox: it has a `close_date` if it is closed."""

    id: Id
    text: str | UnsetType | None = UNSET
    author: Person | UnsetType | None = UNSET
    responsible: Person | UnsetType | None = UNSET
    create_date: Instant | UnsetType | None = UNSET
    modified_date: Instant | UnsetType | None = UNSET
    due_date: Day | UnsetType | None = UNSET
    due_at: Instant | UnsetType | None = UNSET
    close_date: Instant | None = None

    @property
    def task(self) -> task.Task:
        """What the row gives of the task."""
        return task.Task(
            id=self.id,
            text=self.text,
            author=self.author,
            responsible=self.responsible,
            create_date=self.create_date,
            modified_date=self.modified_date,
            due_date=self.due_date or (day_of(self.due_at) if self.due_at else self.due_date),
            due_at=self.due_at,
            close_date=self.close_date,
        )


class TaskHeader(task.TaskHeader, frozen=True, gc=False, rename={"modified_date": "last_modified_date"}):
    id: Id
    modified_date: Instant | None = None
    last_note_id: Id | None = None


class TaskBody(msgspec.Struct):
    """The answer to GetTask."""

    task: Task
