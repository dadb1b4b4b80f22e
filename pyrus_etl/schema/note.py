"""Notes, the comments of a task, and what each of them changed."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Boolean, Column, Date, Index, Text

from pyrus_etl.schema.metadata import Timestamp, bigint, key, ordinal, owned_table


def note_number() -> Column[int]:
    return ordinal("note_no", "Place of the note in the task, from 1.")


notes = owned_table(
    "notes",
    note_number(),
    bigint("note_id", "Id of the note in Pyrus, where it gives one."),
    bigint("author_id", "Who wrote it; see persons."),
    Column("create_date", Timestamp, comment="When it was written."),
    Column("text", Text, comment="What was written; null where the note only changed something."),
    bigint("reassigned_to_id", "Who became responsible by it; see persons."),
    Column("activity_action", Text, comment="Complete, MarkAsDuplicate, MarkAsIrrelevant, Reopen; null for none."),
    Column("approval_choice", Text, comment="What the author chose as an approver: Approved, Rejected or Revoked."),
    Column("due_date_changed", Date, comment="The due date that it set."),
    Column("due_date_removed", Boolean, nullable=False, comment="Whether it cleared the due date."),
    bigint("user_id", "The author's id as the note itself tells it (UserId), where it does."),
    Index(None, "create_date"),
    Index(None, "author_id"),
    comment="One row a comment of a task, in the order of the task (TaskWithNotes.Notes).",
)


class NoteRow(NamedTuple):
    task_id: int
    note_no: int
    note_id: int | None
    author_id: int | None
    create_date: datetime | None
    text: str | None
    reassigned_to_id: int | None
    activity_action: str | None
    approval_choice: str | None
    due_date_changed: date | None
    due_date_removed: bool
    user_id: int | None


note_projects = owned_table(
    "note_projects",
    note_number(),
    key("project_id", "The project; see projects."),
    Column("change", Text, primary_key=True, comment="added or removed."),
    comment="Projects that a note filed the task in, or took it out of.",
)


class NoteProjectRow(NamedTuple):
    task_id: int
    note_no: int
    project_id: int
    change: str


note_approvals = owned_table(
    "note_approvals",
    note_number(),
    Column("change", Text, primary_key=True, comment="added, removed or rerequested."),
    ordinal("step_no", "Approval step, from 1."),
    ordinal("approver_no", "Place of the approver in the step, from 1."),
    bigint("person_id", "The approver; see persons."),
    Column("create_date", Timestamp, comment="When the note was written: the same as in notes."),
    comment="Approvers that a note added, removed or asked again.",
)


class NoteApprovalRow(NamedTuple):
    task_id: int
    note_no: int
    change: str
    step_no: int
    approver_no: int
    person_id: int | None
    create_date: datetime | None
