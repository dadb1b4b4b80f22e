"""The outbox: rows that users insert and push sends to Pyrus.

Revision 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
KINDS = "backfill, sync, reconcile, retry, download, files, hints{} mirror{}."
COUNTERS = {
    "rows_sent": "Rows of the outbox that Pyrus has applied.",
    "rows_refused": "Rows of the outbox that were refused, by Pyrus or before they were sent.",
    "rows_unknown": "Rows of the outbox of which nobody knows whether Pyrus has applied them.",
    "rows_held": "Rows of the outbox that wait for an earlier row of their task.",
}


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("outbox_id", sa.Uuid, server_default=sa.text("gen_random_uuid()"), comment="Id of the row."),
        sa.Column(
            "action",
            sa.Text,
            nullable=False,
            comment="comment (on a task), task (a new simple task) or form_task (a new task of a form).",
        ),
        sa.Column("task_id", sa.BigInteger, comment="Id of the task; of a new task, once it is known."),
        sa.Column(
            "body",
            JSONB,
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="What to write: text, due_date, form_values, …; see docs/write-back.md.",
        ),
        sa.Column(
            "status",
            sa.Text,
            nullable=False,
            server_default=sa.text("'waiting'"),
            comment="waiting, sending, sent, refused (see error), or unknown: a person has to decide whether it was "
            "applied.",
        ),
        sa.Column(
            "attempts",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="How often it was sent, or may have been.",
        ),
        sa.Column(
            "created_at",
            Time,
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
            comment="When the row was inserted; the rows of a task are sent in this order.",
        ),
        sa.Column(
            "created_by",
            sa.Text,
            nullable=False,
            server_default=sa.text("CURRENT_USER"),
            comment="The role that inserted it.",
        ),
        sa.Column("not_before", Time, comment="It is not sent before this time; null: at once."),
        sa.Column("tried_at", Time, comment="When it was last about to be sent."),
        sa.Column("sent_at", Time, comment="When it was known that Pyrus has applied it."),
        sa.Column(
            "answer",
            JSONB,
            comment="task_id and note_id of what Pyrus has made; or the status, code and message of its refusal.",
        ),
        sa.Column(
            "error", sa.Text, comment="Why it was refused, is unknown, or still waits; null if nothing is wrong."
        ),
        sa.Column(
            "account_id",
            sa.BigInteger,
            comment="Id of the account that sent it last, which alone can find out whether it was applied.",
        ),
        sa.Column("run_id", sa.Uuid, comment="Id of the last run that worked on it; see sync_runs."),
        sa.Column("baseline", JSONB, comment="What Pyrus had of this account before the row was first sent."),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox")),
        sa.CheckConstraint("action IN ('comment', 'task', 'form_task')", name="ck_outbox_action"),
        sa.CheckConstraint("status IN ('waiting', 'sending', 'sent', 'refused', 'unknown')", name="ck_outbox_status"),
        sa.CheckConstraint("action <> 'comment' OR task_id IS NOT NULL", name="ck_outbox_task_id"),
        sa.CheckConstraint("jsonb_typeof(body) = 'object'", name="ck_outbox_body"),
        schema="pyrus",
        comment="What is to be written to Pyrus: a client inserts action, task_id and body, and push sends the rows.",
    )
    is_open = sa.text("status <> 'sent'")
    op.create_index("ix_outbox_open", "outbox", ["created_at", "outbox_id"], schema="pyrus", postgresql_where=is_open)
    op.create_index(
        "ix_outbox_open_tasks",
        "outbox",
        ["task_id", "created_at", "outbox_id"],
        schema="pyrus",
        postgresql_where=is_open,
    )
    for name, comment in COUNTERS.items():
        counter = sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=comment)
        op.add_column("sync_runs", counter, schema="pyrus")
    _comment_kinds(KINDS.format(",", " or push"))


def downgrade() -> None:
    _comment_kinds(KINDS.format(" or", ""))
    for name in COUNTERS:
        op.drop_column("sync_runs", name, schema="pyrus")
    op.drop_table("outbox", schema="pyrus")


def _comment_kinds(comment: str) -> None:
    op.alter_column(
        "sync_runs", "kind", schema="pyrus", comment=comment, existing_type=sa.Text, existing_nullable=False
    )
