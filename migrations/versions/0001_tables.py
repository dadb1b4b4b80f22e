"""All tables of the first version.

Revision 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_tasks",
        sa.Column(
            "account_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The person whose inbox it is: the account that the connector logs in with.",
        ),
        sa.Column(
            "task_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="A task in that inbox; it may stand here a moment before its row in tasks.",
        ),
        sa.Column("position", sa.Integer(), nullable=False, comment="Place in the inbox as listed, from 1."),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), nullable=False, comment="Since when runs have seen it at this place."
        ),
        sa.PrimaryKeyConstraint("account_id", "task_id", name=op.f("pk_inbox_tasks")),
        schema="pyrus",
        comment="The inbox as the last run saw it.",
    )
    op.create_table(
        "organizations",
        sa.Column(
            "organization_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Id of the organization in Pyrus.",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="Its name."),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_organizations")),
        schema="pyrus",
        comment="Organizations of the account's contacts.",
    )
    op.create_table(
        "persons",
        sa.Column(
            "person_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Id of the person in Pyrus."
        ),
        sa.Column("first_name", sa.Text(), nullable=True, comment="First name; may be empty."),
        sa.Column("last_name", sa.Text(), nullable=True, comment="Last name."),
        sa.Column("email", sa.Text(), nullable=True, comment="E-mail address, where Pyrus tells it."),
        sa.Column(
            "organization_id",
            sa.BigInteger(),
            nullable=True,
            comment="Their organization, where they are in the contacts; see organizations.",
        ),
        sa.Column(
            "can_send_notification",
            sa.Boolean(),
            nullable=True,
            comment="Whether they may send messages, where Pyrus tells it.",
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_persons")),
        schema="pyrus",
        comment="Everybody met in a task or in the contacts, as last told; what was not told again is kept.",
    )
    op.create_table(
        "projects",
        sa.Column(
            "project_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Id of the project in Pyrus; a form is a project too.",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="Its name."),
        sa.Column("parent_id", sa.BigInteger(), nullable=True, comment="The project above it; null for a root."),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_projects")),
        schema="pyrus",
        comment="Every project met in a task, with its chain of parents.",
    )
    op.create_index(op.f("ix_projects_parent_id"), "projects", ["parent_id"], unique=False, schema="pyrus")
    op.create_table(
        "sync_backfills",
        sa.Column(
            "account_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The person that the connector logs in as.",
        ),
        sa.Column(
            "from_second",
            sa.BigInteger(),
            nullable=True,
            comment="Start of the period in seconds since 1970; null: no start.",
        ),
        sa.Column(
            "to_second",
            sa.BigInteger(),
            nullable=True,
            comment="End of the period in seconds since 1970, inclusive; null: no end.",
        ),
        sa.Column(
            "cursor",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Where the sync goes on when the backfill is done.",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it began; a resumed backfill keeps this.",
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="When its last window was done."),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_sync_backfills")),
        schema="pyrus",
        comment="The last backfill of each account.",
    )
    op.create_table(
        "sync_cursors",
        sa.Column(
            "account_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The person that the connector logs in as.",
        ),
        sa.Column("stream", sa.Text(), nullable=False, comment="What is followed: tasks."),
        sa.Column(
            "cursor",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Start, by the server's clock, of the last complete run: all that changed before it is stored.",
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When it last moved."),
        sa.PrimaryKeyConstraint("account_id", "stream", name=op.f("pk_sync_cursors")),
        schema="pyrus",
        comment="How far the sync has come.",
    )
    op.create_table(
        "sync_errors",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that was set aside."
        ),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False, comment="When it was first set aside."),
        sa.Column("stage", sa.Text(), nullable=False, comment="Where it failed: fetch, decode or load."),
        sa.Column("error", sa.Text(), nullable=False, comment="Why."),
        sa.Column("payload", sa.Text(), nullable=True, comment="The body, where one came."),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False, comment="When it last failed."),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="How many runs it failed in."),
        sa.Column(
            "resolved_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the task loaded after all; null while the error is open.",
        ),
        sa.PrimaryKeyConstraint("task_id", "first_seen_at", name=op.f("pk_sync_errors")),
        schema="pyrus",
        comment="Tasks that could not be fetched, read or stored. Each is tried again in every run.",
    )
    op.create_index(
        "uq_sync_errors_open",
        "sync_errors",
        ["task_id"],
        unique=True,
        schema="pyrus",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "sync_leases",
        sa.Column(
            "account_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The person that the connector logs in as.",
        ),
        sa.Column("run_id", sa.Uuid(), nullable=False, comment="The run that holds the lock; only it may commit."),
        sa.Column("holder", sa.Text(), nullable=False, comment="Host and process of that run."),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=False, comment="Since when it holds the lock."),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the lock falls free if its holder says no more.",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_sync_leases")),
        schema="pyrus",
        comment="The lock: one run a database and account.",
    )
    op.create_table(
        "sync_runs",
        sa.Column(
            "run_id", sa.Uuid(), nullable=False, comment="Id of the run; later runs have greater ids (UUID version 7)."
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False, comment="The person that the run logged in as."),
        sa.Column("kind", sa.Text(), nullable=False, comment="backfill, sync, reconcile or retry."),
        sa.Column(
            "status",
            sa.Text(),
            nullable=False,
            comment="running, ok, partial (stopped early, goes on next time) or failed.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="When it started."),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="When it ended."),
        sa.Column(
            "tasks_listed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Entries read in lists of tasks; a task in two lists counts twice.",
        ),
        sa.Column(
            "tasks_fetched", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Bodies fetched."
        ),
        sa.Column(
            "tasks_changed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Tasks written: new ones, and those whose body was another than before.",
        ),
        sa.Column(
            "tasks_unchanged",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Listed tasks found unchanged, by their date or by the hash of their body.",
        ),
        sa.Column(
            "tasks_deleted",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Tasks marked as deleted.",
        ),
        sa.Column(
            "tasks_failed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Tasks set aside in sync_errors.",
        ),
        sa.Column(
            "values_unreadable",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Values stored as null because they could not be read; raw_tasks keeps them.",
        ),
        sa.Column(
            "requests", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="Requests sent to Pyrus."
        ),
        sa.Column(
            "retries",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Requests that had to be sent again.",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed."),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_sync_runs")),
        schema="pyrus",
        comment="Every run, with what --json reports of it.",
    )
    op.create_index(
        op.f("ix_sync_runs_account_id_started_at"),
        "sync_runs",
        ["account_id", "started_at"],
        unique=False,
        schema="pyrus",
    )
    op.create_table(
        "sync_windows",
        sa.Column(
            "account_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The person that the connector logs in as.",
        ),
        sa.Column(
            "window_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Number of the window within the backfill.",
        ),
        sa.Column(
            "from_second",
            sa.BigInteger(),
            nullable=True,
            comment="Start of the window in seconds since 1970; null: no start.",
        ),
        sa.Column(
            "to_second",
            sa.BigInteger(),
            nullable=True,
            comment="End of the window in seconds since 1970, inclusive; null: no end.",
        ),
        sa.Column(
            "done_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When all its tasks were committed; null while it is to be done.",
        ),
        sa.PrimaryKeyConstraint("account_id", "window_no", name=op.f("pk_sync_windows")),
        schema="pyrus",
        comment="Windows of time that the last backfill works through; a full one is replaced by its two halves.",
    )
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Id of the task in Pyrus."),
        sa.Column("text", sa.Text(), nullable=True, comment="Text of the task; of a form, its title and first values."),
        sa.Column("author_id", sa.BigInteger(), nullable=True, comment="Who created the task; see persons."),
        sa.Column("responsible_id", sa.BigInteger(), nullable=True, comment="Who is to act now; see persons."),
        sa.Column("due_date", sa.Date(), nullable=True, comment="Day by which it is to be done, in UTC."),
        sa.Column(
            "asap", sa.Boolean(), nullable=False, comment="Whether it is marked as to be done as soon as possible."
        ),
        sa.Column("create_date", sa.DateTime(timezone=True), nullable=True, comment="When the task was created."),
        sa.Column(
            "modified_date",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it last changed, as the task itself says; null where it does not.",
        ),
        sa.Column(
            "close_date",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was closed; null while it is open.",
        ),
        sa.Column(
            "parent_task_id",
            sa.BigInteger(),
            nullable=True,
            comment="The task of which this is a subtask; it need not be visible to the account.",
        ),
        sa.Column("is_any_rejected", sa.Boolean(), nullable=False, comment="Whether an approver rejected it."),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When a reconcile found that the task is gone or no longer visible; null otherwise.",
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_tasks")),
        schema="pyrus",
        comment="One row a task (TaskWithNotes); its children stand in the other tables under the same task_id.",
    )
    op.create_index(op.f("ix_tasks_close_date"), "tasks", ["close_date"], unique=False, schema="pyrus")
    op.create_index(op.f("ix_tasks_create_date"), "tasks", ["create_date"], unique=False, schema="pyrus")
    op.create_index(op.f("ix_tasks_modified_date"), "tasks", ["modified_date"], unique=False, schema="pyrus")
    op.create_index(op.f("ix_tasks_parent_task_id"), "tasks", ["parent_task_id"], unique=False, schema="pyrus")
    op.create_index(
        "ix_tasks_responsible_id_open",
        "tasks",
        ["responsible_id"],
        unique=False,
        schema="pyrus",
        postgresql_where=sa.text("close_date IS NULL"),
    )
    op.create_table(
        "approvals",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "step_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Approval step, from 1; a skipped step keeps its number and has no rows.",
        ),
        sa.Column(
            "approver_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the approver in the step, from 1.",
        ),
        sa.Column("person_id", sa.BigInteger(), nullable=True, comment="The approver; see persons."),
        sa.Column("choice", sa.Text(), nullable=False, comment="Waiting, Approved, Rejected or Revoked."),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_approvals_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "step_no", "approver_no", name=op.f("pk_approvals")),
        schema="pyrus",
        comment="Who has to approve a task in which step, and what they chose (TaskWithNotes.Approvals).",
    )
    op.create_index(op.f("ix_approvals_person_id"), "approvals", ["person_id"], unique=False, schema="pyrus")
    op.create_table(
        "attachment_contents",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "attachment_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The file; see attachments."
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="stored, missing, denied, corrupt or failed."),
        sa.Column("stored_uri", sa.Text(), nullable=True, comment="Where the contents were stored."),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True, comment="When they were stored."),
        sa.Column("error", sa.Text(), nullable=True, comment="Why they could not be stored."),
        sa.CheckConstraint(
            "status IN ('stored', 'missing', 'denied', 'corrupt', 'failed')", name="ck_attachment_contents_status"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_attachment_contents_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "attachment_id", name=op.f("pk_attachment_contents")),
        schema="pyrus",
        comment="What became of the contents of attachments; filled by attachments download.",
    )
    op.create_table(
        "attachments",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "attachment_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Id of the file in Pyrus; a new version of a file has a new id.",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="File name."),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True, comment="Size of the file."),
        sa.Column(
            "download_url",
            sa.Text(),
            nullable=True,
            comment="Where Pyrus serves the contents, to those who are logged in.",
        ),
        sa.Column(
            "existing_id",
            sa.BigInteger(),
            nullable=True,
            comment="Id of the first version of the same file, where Pyrus tells it.",
        ),
        sa.Column("md5_hash", sa.Text(), nullable=True, comment="MD5 of the contents, as Pyrus spells it."),
        sa.Column(
            "note_no",
            sa.Integer(),
            nullable=True,
            comment="The note in which it first stands; null where only the task's form has it.",
        ),
        sa.Column(
            "field_id",
            sa.BigInteger(),
            nullable=True,
            comment="The form field in which it first stands; null where it is attached to a note.",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_attachments_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "attachment_id", name=op.f("pk_attachments")),
        schema="pyrus",
        comment="One row a file a task: notes' Attachments and the Files of form values.",
    )
    op.create_table(
        "form_values",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "value_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the value in the form as served, from 1.",
        ),
        sa.Column("field_id", sa.BigInteger(), nullable=True, comment="Id of the field in its form."),
        sa.Column(
            "row_id",
            sa.BigInteger(),
            nullable=True,
            comment="Row of the table field that it stands in; null outside of tables.",
        ),
        sa.Column("field_type", sa.Text(), nullable=True, comment="Type of the field: Text, Decimal, Catalog, …"),
        sa.Column("field_name", sa.Text(), nullable=True, comment="Name of the field as people see it."),
        sa.Column(
            "parent_field_id",
            sa.BigInteger(),
            nullable=True,
            comment="The field (table or section) that this one stands in.",
        ),
        sa.Column(
            "value_text",
            sa.Text(),
            nullable=True,
            comment="Text, Email, Phone, Note; the word of Checkmark, Flag, ActivityStatus.",
        ),
        sa.Column("value_number", sa.Numeric(), nullable=True, comment="Number, Decimal (money), ApprovalStep; exact."),
        sa.Column("value_date", sa.Date(), nullable=True, comment="Date and DueDate, in UTC."),
        sa.Column(
            "value_timestamp", sa.DateTime(timezone=True), nullable=True, comment="ApprovalDate and CreationDate."
        ),
        sa.Column("value_time", sa.Time(), nullable=True, comment="Time, in UTC."),
        sa.Column(
            "value_bool",
            sa.Boolean(),
            nullable=True,
            comment="Checkmark and Flag; null where the flag is not set either way.",
        ),
        sa.Column(
            "value_person_id",
            sa.BigInteger(),
            nullable=True,
            comment="Person, Assignee, Author, ApprovalPerson; see persons.",
        ),
        sa.Column("value_project_id", sa.BigInteger(), nullable=True, comment="Project; see projects."),
        sa.Column("value_catalog_item_id", sa.BigInteger(), nullable=True, comment="Catalog: id of the item."),
        sa.Column(
            "value_json",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What the other columns cannot hold: Catalog's values and headers, Title's rows, Files, and every property of a type that is not known.",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_form_values_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "value_no", name=op.f("pk_form_values")),
        schema="pyrus",
        comment="One row a field of the task's form, as it is now (TaskWithNotes.Form).",
    )
    op.create_index(op.f("ix_form_values_field_id"), "form_values", ["field_id"], unique=False, schema="pyrus")
    op.create_table(
        "note_approvals",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "note_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the note in the task, from 1.",
        ),
        sa.Column("change", sa.Text(), nullable=False, comment="added, removed or rerequested."),
        sa.Column("step_no", sa.Integer(), autoincrement=False, nullable=False, comment="Approval step, from 1."),
        sa.Column(
            "approver_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the approver in the step, from 1.",
        ),
        sa.Column("person_id", sa.BigInteger(), nullable=True, comment="The approver; see persons."),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_note_approvals_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "task_id", "note_no", "change", "step_no", "approver_no", name=op.f("pk_note_approvals")
        ),
        schema="pyrus",
        comment="Approvers that a note added, removed or asked again.",
    )
    op.create_table(
        "note_form_values",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "note_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the note in the task, from 1.",
        ),
        sa.Column(
            "value_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the value in the form as served, from 1.",
        ),
        sa.Column("field_id", sa.BigInteger(), nullable=True, comment="Id of the field in its form."),
        sa.Column(
            "row_id",
            sa.BigInteger(),
            nullable=True,
            comment="Row of the table field that it stands in; null outside of tables.",
        ),
        sa.Column("field_type", sa.Text(), nullable=True, comment="Type of the field: Text, Decimal, Catalog, …"),
        sa.Column("field_name", sa.Text(), nullable=True, comment="Name of the field as people see it."),
        sa.Column(
            "parent_field_id",
            sa.BigInteger(),
            nullable=True,
            comment="The field (table or section) that this one stands in.",
        ),
        sa.Column(
            "value_text",
            sa.Text(),
            nullable=True,
            comment="Text, Email, Phone, Note; the word of Checkmark, Flag, ActivityStatus.",
        ),
        sa.Column("value_number", sa.Numeric(), nullable=True, comment="Number, Decimal (money), ApprovalStep; exact."),
        sa.Column("value_date", sa.Date(), nullable=True, comment="Date and DueDate, in UTC."),
        sa.Column(
            "value_timestamp", sa.DateTime(timezone=True), nullable=True, comment="ApprovalDate and CreationDate."
        ),
        sa.Column("value_time", sa.Time(), nullable=True, comment="Time, in UTC."),
        sa.Column(
            "value_bool",
            sa.Boolean(),
            nullable=True,
            comment="Checkmark and Flag; null where the flag is not set either way.",
        ),
        sa.Column(
            "value_person_id",
            sa.BigInteger(),
            nullable=True,
            comment="Person, Assignee, Author, ApprovalPerson; see persons.",
        ),
        sa.Column("value_project_id", sa.BigInteger(), nullable=True, comment="Project; see projects."),
        sa.Column("value_catalog_item_id", sa.BigInteger(), nullable=True, comment="Catalog: id of the item."),
        sa.Column(
            "value_json",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What the other columns cannot hold: Catalog's values and headers, Title's rows, Files, and every property of a type that is not known.",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_note_form_values_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "note_no", "value_no", name=op.f("pk_note_form_values")),
        schema="pyrus",
        comment="One row a field that a note changed, with the value that it set (TaskNote.Form).",
    )
    op.create_table(
        "note_projects",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "note_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the note in the task, from 1.",
        ),
        sa.Column(
            "project_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The project; see projects."
        ),
        sa.Column("change", sa.Text(), nullable=False, comment="added or removed."),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_note_projects_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "note_no", "project_id", "change", name=op.f("pk_note_projects")),
        schema="pyrus",
        comment="Projects that a note filed the task in, or took it out of.",
    )
    op.create_table(
        "notes",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "note_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the note in the task, from 1.",
        ),
        sa.Column("note_id", sa.BigInteger(), nullable=True, comment="Id of the note in Pyrus, where it gives one."),
        sa.Column("author_id", sa.BigInteger(), nullable=True, comment="Who wrote it; see persons."),
        sa.Column("create_date", sa.DateTime(timezone=True), nullable=True, comment="When it was written."),
        sa.Column(
            "text", sa.Text(), nullable=True, comment="What was written; null where the note only changed something."
        ),
        sa.Column(
            "reassigned_to_id", sa.BigInteger(), nullable=True, comment="Who became responsible by it; see persons."
        ),
        sa.Column(
            "activity_action",
            sa.Text(),
            nullable=True,
            comment="Complete, MarkAsDuplicate, MarkAsIrrelevant, Reopen; null for none.",
        ),
        sa.Column(
            "approval_choice",
            sa.Text(),
            nullable=True,
            comment="What the author chose as an approver: Approved, Rejected or Revoked.",
        ),
        sa.Column("due_date_changed", sa.Date(), nullable=True, comment="The due date that it set."),
        sa.Column("due_date_removed", sa.Boolean(), nullable=False, comment="Whether it cleared the due date."),
        sa.Column(
            "user_id",
            sa.BigInteger(),
            nullable=True,
            comment="The author's id as the note itself tells it (UserId), where it does.",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_notes_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "note_no", name=op.f("pk_notes")),
        schema="pyrus",
        comment="One row a comment of a task, in the order of the task (TaskWithNotes.Notes).",
    )
    op.create_index(op.f("ix_notes_author_id"), "notes", ["author_id"], unique=False, schema="pyrus")
    op.create_index(op.f("ix_notes_create_date"), "notes", ["create_date"], unique=False, schema="pyrus")
    op.create_table(
        "raw_tasks",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="The body as served, what we do not know of it included.",
        ),
        sa.Column(
            "payload_sha256",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of the body's bytes; the same: nothing changed.",
        ),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False, comment="When this body was fetched."),
        sa.Column(
            "listed_date",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="ModifiedDate as the list told it when the task was last fetched; listed with it again: unchanged.",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_raw_tasks_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_raw_tasks")),
        schema="pyrus",
        comment="The body of every task as served. A body that did not change is not written again.",
    )
    op.create_table(
        "task_projects",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "project_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="A project that the task is filed in; see projects.",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_task_projects_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "project_id", name=op.f("pk_task_projects")),
        schema="pyrus",
        comment="Which projects a task is filed in now (TaskWithNotes.Projects).",
    )
    op.create_index(op.f("ix_task_projects_project_id"), "task_projects", ["project_id"], unique=False, schema="pyrus")


def downgrade() -> None:
    op.drop_index(op.f("ix_task_projects_project_id"), table_name="task_projects", schema="pyrus")
    op.drop_table("task_projects", schema="pyrus")
    op.drop_table("raw_tasks", schema="pyrus")
    op.drop_index(op.f("ix_notes_create_date"), table_name="notes", schema="pyrus")
    op.drop_index(op.f("ix_notes_author_id"), table_name="notes", schema="pyrus")
    op.drop_table("notes", schema="pyrus")
    op.drop_table("note_projects", schema="pyrus")
    op.drop_table("note_form_values", schema="pyrus")
    op.drop_table("note_approvals", schema="pyrus")
    op.drop_index(op.f("ix_form_values_field_id"), table_name="form_values", schema="pyrus")
    op.drop_table("form_values", schema="pyrus")
    op.drop_table("attachments", schema="pyrus")
    op.drop_table("attachment_contents", schema="pyrus")
    op.drop_index(op.f("ix_approvals_person_id"), table_name="approvals", schema="pyrus")
    op.drop_table("approvals", schema="pyrus")
    op.drop_index(
        "ix_tasks_responsible_id_open",
        table_name="tasks",
        schema="pyrus",
        postgresql_where=sa.text("close_date IS NULL"),
    )
    op.drop_index(op.f("ix_tasks_parent_task_id"), table_name="tasks", schema="pyrus")
    op.drop_index(op.f("ix_tasks_modified_date"), table_name="tasks", schema="pyrus")
    op.drop_index(op.f("ix_tasks_create_date"), table_name="tasks", schema="pyrus")
    op.drop_index(op.f("ix_tasks_close_date"), table_name="tasks", schema="pyrus")
    op.drop_table("tasks", schema="pyrus")
    op.drop_table("sync_windows", schema="pyrus")
    op.drop_index(op.f("ix_sync_runs_account_id_started_at"), table_name="sync_runs", schema="pyrus")
    op.drop_table("sync_runs", schema="pyrus")
    op.drop_table("sync_leases", schema="pyrus")
    op.drop_index(
        "uq_sync_errors_open", table_name="sync_errors", schema="pyrus", postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.drop_table("sync_errors", schema="pyrus")
    op.drop_table("sync_cursors", schema="pyrus")
    op.drop_table("sync_backfills", schema="pyrus")
    op.drop_index(op.f("ix_projects_parent_id"), table_name="projects", schema="pyrus")
    op.drop_table("projects", schema="pyrus")
    op.drop_table("persons", schema="pyrus")
    op.drop_table("organizations", schema="pyrus")
    op.drop_table("inbox_tasks", schema="pyrus")
