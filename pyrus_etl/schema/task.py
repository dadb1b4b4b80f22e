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
        "Id of the form; null for tasks without a form. A form is also a project. Pyrus does not say which one a task "
        "belongs to: it is the root among the task's projects, unless form_overrides says otherwise.",
    ),
    bigint(
        "main_project_id",
        "Id of the current main project, the first that a task is filed in; null for tasks in no project.",
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
    Index("ix_tasks_responsible_id_open", "responsible_id", postgresql_where=text("close_date IS NULL")),
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
    Column("choice", Text, nullable=False, comment="Waiting, Approved, Rejected or Revoked."),
    Index(None, "person_id"),
    comment="Approvers of a task by step, with their decisions (TaskWithNotes.Approvals).",
)


class ApprovalRow(NamedTuple):
    task_id: int
    step_no: int
    approver_no: int
    person_id: int | None
    choice: str


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
    comment="Which accounts see a task; one of them reads it. A task that none sees any more is deleted.",
)
