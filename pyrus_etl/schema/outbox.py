"""The outbox: rows that users insert and `push` sends to Pyrus."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from pyrus_etl.schema.metadata import Timestamp, bigint, metadata

WAITING, SENDING, SENT, REFUSED, UNKNOWN = "waiting", "sending", "sent", "refused", "unknown"
COMMENT, TASK, FORM_TASK = "comment", "task", "form_task"

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", Uuid, primary_key=True, server_default=text("gen_random_uuid()"), comment="Id of the row."),
    Column(
        "action",
        Text,
        nullable=False,
        comment="comment (on a task), task (a new simple task) or form_task (a new task of a form).",
    ),
    bigint("task_id", "Id of the task; of a new task, once it is known."),
    Column(
        "body",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="What to write: text, due_date, form_values, …; see docs/write-back.md.",
    ),
    Column(
        "status",
        Text,
        nullable=False,
        server_default=text("'waiting'"),
        comment="waiting, sending, sent, refused (see error), or unknown: a person has to decide whether it was "
        "applied.",
    ),
    Column(
        "attempts",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="How often it was sent, or may have been.",
    ),
    Column(
        "created_at",
        Timestamp,
        nullable=False,
        server_default=text("clock_timestamp()"),
        comment="When the row was inserted; the rows of a task are sent in this order.",
    ),
    Column(
        "created_by", Text, nullable=False, server_default=text("CURRENT_USER"), comment="The role that inserted it."
    ),
    Column(
        "account",
        Text,
        comment="Who sends it: the name of an account in the config file, or its login; null: see docs/write-back.md.",
    ),
    Column("not_before", Timestamp, comment="It is not sent before this time; null: at once."),
    Column("tried_at", Timestamp, comment="When it was last about to be sent."),
    Column("sent_at", Timestamp, comment="When it was known that Pyrus has applied it."),
    Column(
        "answer",
        JSONB,
        comment="task_id and note_id of what Pyrus has made; or the status, code and message of its refusal.",
    ),
    Column("error", Text, comment="Why it was refused, is unknown, or still waits; null if nothing is wrong."),
    bigint("account_id", "Id of the account that sent it last, which alone can find out whether it was applied."),
    Column("run_id", Uuid, comment="Id of the last run that worked on it; see sync_runs."),
    Column("baseline", JSONB, comment="What Pyrus had of this account before the row was first sent."),
    CheckConstraint("action IN ('comment', 'task', 'form_task')", name="ck_outbox_action"),
    CheckConstraint("status IN ('waiting', 'sending', 'sent', 'refused', 'unknown')", name="ck_outbox_status"),
    CheckConstraint("action <> 'comment' OR task_id IS NOT NULL", name="ck_outbox_task_id"),
    CheckConstraint("jsonb_typeof(body) = 'object'", name="ck_outbox_body"),
    Index("ix_outbox_open", "created_at", "outbox_id", postgresql_where=text("status <> 'sent'")),
    Index("ix_outbox_open_tasks", "task_id", "created_at", "outbox_id", postgresql_where=text("status <> 'sent'")),
    comment="What is to be written to Pyrus: a client inserts action, task_id and body, and push sends the rows.",
)
