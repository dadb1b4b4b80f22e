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
    Column(
        "approval_choice",
        Text,
        comment="The author's decision as an approver: Approved, Rejected, Revoked or Acknowledged.",
    ),
    Column("due_date_changed", Date, comment="The due date that the note set."),
    Column("due_date_removed", Boolean, nullable=False, comment="Whether the note cleared the due date."),
    bigint("user_id", "UserId of the note: the author's id again, if API v3 gives it."),
    Column("subject", Text, comment="The subject that the note gave the task."),
    bigint("changed_step", "The step of the form to which the note moved the task."),
    bigint("reset_to_step", "The earlier step to which the note returned the task."),
    bigint("approval_step", "The step to which the author's decision belongs."),
    Column("due_at", Timestamp, comment="The due time that the note set, if it has a time of day."),
    bigint("due_minutes", "How many minutes the task takes, as the note set it together with the due time."),
    Column("scheduled_date", Date, comment="Day for which the note scheduled the task."),
    Column("scheduled_at", Timestamp, comment="Time for which the note scheduled the task."),
    bigint("spent_minutes", "Minutes of work that the note reports."),
    bigint("reply_note_id", "Id of the note that this one answers."),
    bigint("edit_note_id", "Id of the note that this one edits."),
    bigint("delete_note_id", "Id of the note that this one deletes."),
    Column("channel_type", Text, comment="Channel through which the note came or went: email, telegram, sms, …"),
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
    channel_type: str | None = None


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
    bigint("told_step", "Number of the step as API v4 gives it with the approver; null through API v3."),
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
    told_step: int | None = None


note_persons = owned_table(
    "note_persons",
    note_number(),
    Column(
        "change",
        Text,
        primary_key=True,
        comment="participant_added, participant_removed, subscriber_added, subscriber_removed, subscriber_rerequested "
        "or mentioned.",
    ),
    ordinal("person_no", "Position of the person among those of the same change, from 1."),
    bigint("person_id", "Id of the person."),
    Index(None, "person_id"),
    comment="Persons whom a note added, removed, asked again or mentioned, except approvers; from API v4.",
)


class NotePersonRow(NamedTuple):
    task_id: int
    note_no: int
    change: str
    person_no: int
    person_id: int | None
