"""Tasks, the projects they are filed in, their approvals, and the inbox."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, text

from pyrus_etl.given import UNSET, Given, UnsetType
from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata, ordinal, owned_table, synced_at, task_key

tasks = Table(
    "tasks",
    metadata,
    key("task_id", "Id of the task."),
    Column("text", Text, comment="Text of the task; if it has a form, the form's title and first values."),
    bigint("author_id", "Id of the person who created the task."),
    bigint("responsible_id", "Id of the person responsible; of a closed task, the last one."),
    Column("due_date", Date, comment="Day on which the task is due, in UTC."),
    Column("asap", Boolean, nullable=False, comment='Whether the task is marked "as soon as possible".'),
    Column("create_date", Timestamp, comment="When the task was created."),
    Column("modified_date", Timestamp, comment="When the task last changed; null if Pyrus does not say."),
    Column("close_date", Timestamp, comment="When the task was last closed; null while it is open."),
    bigint("parent_task_id", "Id of the task of which this is a subtask; the account may not see it."),
    Column("is_any_rejected", Boolean, nullable=False, comment="Whether an approver rejected the task."),
    bigint(
        "form_id",
        "Id of the form; null for tasks without a form. A form is also a project. API v4 gives it; API v3 does not, so "
        "there it is the root among the task's projects, unless form_overrides says otherwise.",
    ),
    bigint(
        "main_project_id",
        "Id of the current main project, the first that a task is filed in; null for tasks in no project.",
    ),
    Column("subject", Text, comment="Subject of the task, if it has one besides its text."),
    Column(
        "is_closed",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether the task is closed, also while the time of closing is not known.",
    ),
    bigint("current_step", "Number of the form's step that the task is at; see form_steps."),
    Column("due_at", Timestamp, comment="When the task is due, if it has a time of day."),
    bigint("due_minutes", "How many minutes the task takes, up to the time when it is due."),
    Column("scheduled_date", Date, comment="Day for which the task is scheduled."),
    Column("scheduled_at", Timestamp, comment="Time for which the task is scheduled."),
    bigint("last_note_id", "Greatest id among the notes of the stored body; null if no note has an id."),
    Column(
        "detail_at",
        Timestamp,
        comment="When the full body was fetched; null while only a register row or a list's header is known.",
    ),
    Column(
        "deleted_at",
        Timestamp,
        comment="When a reconcile found that no account sees the task any more; null otherwise.",
    ),
    synced_at(),
    Index(None, "synced_at"),
    Index(None, "modified_date"),
    Index(None, "create_date"),
    Index(None, "close_date"),
    Index(None, "parent_task_id"),
    Index(None, "form_id"),
    Index(None, "main_project_id"),
    Index("ix_tasks_without_detail", "modified_date", postgresql_where=text("detail_at IS NULL")),
    Index("ix_tasks_responsible_id_open", "responsible_id", postgresql_where=text("NOT is_closed")),
    comment="One row per task (TaskWithNotes); its children are in the other tables under the same task_id.",
)


class TaskRow(NamedTuple):
    """A column that is UNSET was not served: what is stored in it stays."""

    task_id: int
    text: Given[str]
    author_id: Given[int]
    responsible_id: Given[int]
    due_date: Given[date]
    asap: bool | UnsetType
    create_date: Given[datetime]
    modified_date: Given[datetime]
    close_date: Given[datetime]
    parent_task_id: Given[int]
    is_any_rejected: bool | UnsetType
    form_id: Given[int] = UNSET
    main_project_id: Given[int] = UNSET
    subject: Given[str] = UNSET
    is_closed: bool | UnsetType = UNSET
    current_step: Given[int] = UNSET
    due_at: Given[datetime] = UNSET
    due_minutes: Given[int] = UNSET
    scheduled_date: Given[date] = UNSET
    scheduled_at: Given[datetime] = UNSET
    last_note_id: Given[int] = UNSET
    detail_at: datetime | UnsetType = UNSET
    deleted_at: UnsetType | None = UNSET


task_projects = owned_table(
    "task_projects",
    key("project_id", "Id of a project that the task is filed in."),
    Column("project_no", Integer, comment="Position of the project in the task, from 1."),
    Index(None, "project_id"),
    comment="Projects that a task is filed in now (TaskWithNotes.Projects).",
)


class TaskProjectRow(NamedTuple):
    task_id: int
    project_id: int
    project_no: int


approvals = owned_table(
    "approvals",
    ordinal("step_no", "Number of the approval step, from 1; a skipped step keeps its number and has no rows."),
    ordinal("approver_no", "Position of the approver in the step, from 1."),
    bigint("person_id", "Id of the approver."),
    Column("choice", Text, nullable=False, comment="Waiting, Approved, Rejected, Revoked or Acknowledged."),
    Index(None, "person_id"),
    comment="Approvers of a task by step, with their decisions (TaskWithNotes.Approvals).",
)


class ApprovalRow(NamedTuple):
    task_id: int
    step_no: int
    approver_no: int
    person_id: int | None
    choice: str


task_participants = owned_table(
    "task_participants",
    ordinal("participant_no", "Position of the participant in the task, from 1."),
    bigint("person_id", "Id of the participant."),
    Index(None, "person_id"),
    comment="Participants of a task without a form; from API v4.",
)


class TaskParticipantRow(NamedTuple):
    task_id: int
    participant_no: int
    person_id: int | None


task_subscribers = owned_table(
    "task_subscribers",
    ordinal("subscriber_no", "Position of the subscriber in the task, from 1."),
    bigint("person_id", "Id of the subscriber."),
    Column("choice", Text, comment="Waiting, Approved, Rejected, Revoked or Acknowledged; null if there is none."),
    Index(None, "person_id"),
    comment="Subscribers of a task, who follow it; from API v4.",
)


class TaskSubscriberRow(NamedTuple):
    task_id: int
    subscriber_no: int
    person_id: int | None
    choice: str | None


task_steps = owned_table(
    "task_steps",
    ordinal("step_no", "Number of the form's step, as served; see form_steps."),
    Column("name", Text, comment="Name of the step."),
    bigint("elapsed_ms", "Milliseconds that the task has spent in the step."),
    comment="Steps of a task's form, and how long the task has been in each; from API v4.",
)


class TaskStepRow(NamedTuple):
    task_id: int
    step_no: int
    name: str | None
    elapsed_ms: int | None


task_links = owned_table(
    "task_links",
    key("linked_task_id", "Id of a task that this one is linked with; the account may not see it."),
    Index(None, "linked_task_id"),
    comment="Links of a task to other tasks; from API v4.",
)


class TaskLinkRow(NamedTuple):
    task_id: int
    linked_task_id: int


inbox_tasks = Table(
    "inbox_tasks",
    metadata,
    key("account_id", "Id of the person that the connector logs in as; the inbox is theirs."),
    key("task_id", "Id of the task; it may be listed here shortly before its row is in tasks."),
    Column("position", Integer, nullable=False, comment="Position in the inbox, from 1."),
    Column("seen_at", Timestamp, nullable=False, comment="When a run first saw the task at this position."),
    comment="The inbox of each account as the last run saw it.",
)


task_sightings = Table(
    "task_sightings",
    metadata,
    task_key(),
    key("account_id", "Id of the person that the connector logs in as, and who sees the task."),
    Column(
        "listed_date",
        Timestamp,
        comment="ModifiedDate in this account's lists when the task was last fetched, or left to its reader.",
    ),
    Column("seen_at", Timestamp, nullable=False, comment="When a run last wrote this row."),
    Column(
        "is_reader",
        Boolean,
        nullable=False,
        comment="Whether the stored body is the one served to this account; it fetches the task when it changes.",
    ),
    bigint(
        "listed_note_id",
        "Id of the last note in the row of the register under which the task was listed; null outside registers.",
    ),
    comment="Which accounts see a task; one of them reads it. A task that none sees any more is deleted.",
)


watched_tasks = Table(
    "watched_tasks",
    metadata,
    key("task_id", "Id of the task; it may not be in tasks."),
    key("account_id", "Id of the person that the connector logs in as, and who asks for the task."),
    Column("asked_at", Timestamp, comment="When the account last asked for the task; null if it has not yet."),
    comment="Tasks that no list shows to the account: another task refers to them, or they were met once. Each is "
    "fetched once a day.",
)
