"""What is to be written to Pyrus, in one vocabulary for every version of its API."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal

import msgspec

COMMENT, TASK, FORM_TASK = "comment", "task", "form_task"
"""Actions: a comment on a task, a new simple task, a new task of a form."""

ACTIVITY_ACTIONS = ("Complete", "MarkAsDuplicate", "MarkAsIrrelevant", "Reopen")
APPROVAL_CHOICES = ("Waiting", "Approved", "Rejected", "Revoked", "Acknowledged")

OF_FILES = ("Files", "FileUrls")
"""Types of fields that hold files."""

Ids = Sequence[int]
Steps = Sequence[Ids]
Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]
"""A value in a body, with exact numbers."""
NewFieldValue = None | bool | Decimal | str | date | datetime | time | tuple[int, ...] | tuple[str, ...]
"""None clears the field. A tuple holds ids, or the paths and URLs of files; a Checkmark or Flag is its word."""


class NewValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value for a form field, as the row gives it. `row_id`: the row of the table that the field is in.

    `type`: its type in the words of `form_fields`; only needed if no definition and no stored value shows it.
    """

    field_id: int
    row_id: int | None = None
    value: object = None
    type: str | None = None


class TypedValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that fits its field. `table_id`: the table field whose row has it."""

    field_id: int
    type: str
    value: NewFieldValue
    row_id: int | None = None
    table_id: int | None = None

    @property
    def items(self) -> tuple[int, ...] | tuple[str, ...]:
        """The ids, or the files; none if the value has neither."""
        return self.value if isinstance(self.value, tuple) else ()


class Write(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One write. A property that is None is not written.

    `approvals`: persons by step. `due_minutes`: the time that the task takes. `fill_defaults`: fields that are not
    given get the defaults of the form. `values`: `form_values`, checked.
    """

    action: str
    task_id: int | None = None
    text: str | None = None
    formatted_text: str | None = None
    subject: str | None = None
    responsible_id: int | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    due_minutes: int | None = None
    clear_due_date: bool | None = None
    scheduled_date: date | None = None
    scheduled_at: datetime | None = None
    cancel_schedule: bool | None = None
    approval_choice: str | None = None
    approval_stage: int | None = None
    activity_action: str | None = None
    approvals: Steps | None = None
    removed_approvals: Steps | None = None
    rerequested_approvals: Steps | None = None
    added_project_ids: Ids | None = None
    removed_project_ids: Ids | None = None
    participant_ids: Ids | None = None
    removed_participant_ids: Ids | None = None
    subscriber_ids: Ids | None = None
    removed_subscriber_ids: Ids | None = None
    rerequested_subscriber_ids: Ids | None = None
    parent_task_id: int | None = None
    form_id: int | None = None
    form_values: Sequence[NewValue] | None = None
    attachments: Sequence[str] | None = None
    channel: str | None = None
    spent_minutes: int | None = None
    fill_defaults: bool | None = None
    skip_auto_reopen: bool | None = None
    skip_notification: bool | None = None
    skip_satisfaction: bool | None = None
    values: Sequence[TypedValue] = ()

    @property
    def given(self) -> list[str]:
        """The names of the properties that are written, in the order of their declaration."""
        return [name for name in PROPERTIES if getattr(self, name) is not None]

    @property
    def files(self) -> list[str]:
        """The paths and URLs of all its files, each once: of the comment or task, and of its fields."""
        in_fields = [
            file for each in self.values if each.type in OF_FILES for file in each.items if isinstance(file, str)
        ]
        return list(dict.fromkeys([*(self.attachments or ()), *in_fields]))

    @property
    def paths(self) -> list[str]:
        """Those of its files that have to be uploaded."""
        return [file for file in self.files if not is_url(file)]


PROPERTIES = tuple(name for name in Write.__struct_fields__ if name not in ("action", "task_id", "values"))
"""The names of everything that a body may have."""
TYPES: Mapping[str, object] = {
    each.name: each.type for each in msgspec.structs.fields(Write) if each.name in PROPERTIES
}


def is_url(file: str) -> bool:
    """Whether an attachment is named by its address, and not by its path."""
    return file.lower().startswith(("http://", "https://"))
