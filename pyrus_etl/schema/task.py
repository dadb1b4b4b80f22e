"""Tasks, the projects they are filed in, their approvals, and the inbox."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, text

from pyrus_etl.given import UNSET, Given, UnsetType
from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata, ordinal, owned_table, synced_at

tasks = Table(
    "tasks",
    metadata,
    key("task_id", "Id of the task in Pyrus."),
    Column("text", Text, comment="Text of the task; of a form, its title and first values."),
    bigint("author_id", "Who created the task; see persons."),
    bigint("responsible_id", "Who is to act now; see persons."),
    Column("due_date", Date, comment="Day by which it is to be done, in UTC."),
    Column("asap", Boolean, nullable=False, comment="Whether it is marked as to be done as soon as possible."),
    Column("create_date", Timestamp, comment="When the task was created."),
    Column(
        "modified_date", Timestamp, comment="When it last changed, as the task itself says; null where it does not."
    ),
    Column("close_date", Timestamp, comment="When it was closed; null while it is open."),
    bigint("parent_task_id", "The task of which this is a subtask; it need not be visible to the account."),
    Column("is_any_rejected", Boolean, nullable=False, comment="Whether an approver rejected it."),
    bigint(
        "form_id",
        "The form that the task was made from, which is a project too; null where it has no form. Pyrus does not name "
        "it: it is the root among the task's projects, unless form_overrides says otherwise.",
    ),
    bigint("main_project_id", "Its main project: the first that it is filed in; see task_projects."),
    Column(
        "deleted_at",
        Timestamp,
        comment="When a reconcile found that the task is gone or no longer visible; null otherwise.",
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
    comment="One row a task (TaskWithNotes); its children stand in the other tables under the same task_id.",
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
    key("project_id", "A project that the task is filed in; see projects."),
    Column("project_no", Integer, comment="Place of the project in the task, from 1."),
    Index(None, "project_id"),
    comment="Which projects a task is filed in now (TaskWithNotes.Projects).",
)


class TaskProjectRow(NamedTuple):
    task_id: int
    project_id: int
    project_no: int


approvals = owned_table(
    "approvals",
    ordinal("step_no", "Approval step, from 1; a skipped step keeps its number and has no rows."),
    ordinal("approver_no", "Place of the approver in the step, from 1."),
    bigint("person_id", "The approver; see persons."),
    Column("choice", Text, nullable=False, comment="Waiting, Approved, Rejected or Revoked."),
    Index(None, "person_id"),
    comment="Who has to approve a task in which step, and what they chose (TaskWithNotes.Approvals).",
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
    key("account_id", "The person whose inbox it is: the account that the connector logs in with."),
    key("task_id", "A task in that inbox; it may stand here a moment before its row in tasks."),
    Column("position", Integer, nullable=False, comment="Place in the inbox as listed, from 1."),
    Column("seen_at", Timestamp, nullable=False, comment="Since when runs have seen it at this place."),
    comment="The inbox as the last run saw it.",
)
