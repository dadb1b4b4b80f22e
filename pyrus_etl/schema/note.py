"""Notes, which are the comments on a task, and the changes that each made."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Boolean, Column, Date, Index, Text

from pyrus_etl.schema.metadata import Timestamp, bigint, key, ordinal, owned_table


def note_number() -> Column[int]:
    return ordinal("note_no", "Number of the note in the task, from 1.")


notes = owned_table(
    "notes",
    note_number(),
    bigint("note_id", "Id of the note in Pyrus, if it gives one."),
    bigint("author_id", "Id of the person who wrote the note."),
    Column("create_date", Timestamp, comment="When the note was written."),
    Column("text", Text, comment="Text of the note; null if the note only changed something."),
    bigint("reassigned_to_id", "Id of the person whom the note made responsible."),
    Column("activity_action", Text, comment="Complete, MarkAsDuplicate, MarkAsIrrelevant or Reopen; null if none."),
    Column("approval_choice", Text, comment="The author's decision as an approver: Approved, Rejected or Revoked."),
    Column("due_date_changed", Date, comment="The due date that the note set."),
    Column("due_date_removed", Boolean, nullable=False, comment="Whether the note cleared the due date."),
    bigint("user_id", "UserId of the note: the author's id again, if Pyrus gives it."),
    Index(None, "create_date"),
    Index(None, "author_id"),
    comment="One row per note of a task, in the task's order (TaskWithNotes.Notes).",
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
    key("project_id", "Id of the project."),
    Column("change", Text, primary_key=True, comment="added or removed."),
    comment="Projects to which a note added the task, or from which it removed it.",
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
    ordinal("step_no", "Number of the approval step, from 1."),
    ordinal("approver_no", "Position of the approver in the step, from 1."),
    bigint("person_id", "Id of the approver."),
    Column("create_date", Timestamp, comment="When the note was written; the same as in notes."),
    comment="Approvers whom a note added, removed or asked again.",
)


class NoteApprovalRow(NamedTuple):
    task_id: int
    note_no: int
    change: str
    step_no: int
    approver_no: int
    person_id: int | None
    create_date: datetime | None
