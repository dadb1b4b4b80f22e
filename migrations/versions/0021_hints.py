"""Hints: the tasks that webhooks named, until they are fetched.

Revision 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
KINDS = "backfill, sync, reconcile, retry, download, files{} or mirror."


def upgrade() -> None:
    op.create_table(
        "sync_hints",
        sa.Column("task_id", sa.BigInteger, autoincrement=False, comment="Id of the task."),
        sa.Column("login", sa.Text, comment="PYRUS_LOGIN of the bot that got the webhook; empty if it has none."),
        sa.Column("first_at", Time, nullable=False, comment="When the first webhook came."),
        sa.Column("last_at", Time, nullable=False, comment="When the last webhook came."),
        sa.Column("times", sa.Integer, nullable=False, comment="How many webhooks named the task."),
        sa.PrimaryKeyConstraint("task_id", "login", name=op.f("pk_sync_hints")),
        schema="pyrus",
        comment="Tasks that webhooks named and that are to be fetched at once; the row goes when that is done.",
    )
    _comment_kinds(KINDS.format(", hints"))


def downgrade() -> None:
    _comment_kinds(KINDS.format(""))
    op.drop_table("sync_hints", schema="pyrus")


def _comment_kinds(comment: str) -> None:
    op.alter_column(
        "sync_runs", "kind", schema="pyrus", comment=comment, existing_type=sa.Text, existing_nullable=False
    )
