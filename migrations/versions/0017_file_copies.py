"""Copies of attachments at other services, and the counter of runs that make them.

Revision 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SERVICES = "service IN ('paymo', 'onlyoffice')"
COMMENTS = (
    (
        "kind",
        "backfill, sync, reconcile, retry, download, files or mirror.",
        "backfill, sync, reconcile, retry, download or files.",
    ),
    (
        "files_failed",
        "Files that could not be stored or copied for another reason; see attachment_contents and file_copies.",
        "Files whose contents could not be stored for another reason; see attachment_contents.",
    ),
    ("bytes", "Bytes of the contents that were stored or copied.", "Bytes of the contents that were stored."),
)
"""Column of sync_runs, and its comments from now on and before."""


def upgrade() -> None:
    op.create_table(
        "external_tasks",
        sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False, comment="Id of the task in Pyrus."),
        sa.Column("service", sa.Text, primary_key=True, comment="The other service: paymo or onlyoffice."),
        sa.Column(
            "external_task_id", sa.BigInteger, nullable=False, comment="Id of the same task at the other service."
        ),
        sa.CheckConstraint(SERVICES, name="ck_external_tasks_service"),
        schema="pyrus",
        comment="Which task is which at another service; you fill it in, and files mirror copies attachments there.",
    )
    op.create_table(
        "file_copies",
        sa.Column(
            "task_id",
            sa.BigInteger,
            sa.ForeignKey("pyrus.tasks.task_id", name="fk_file_copies_task_id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
            comment="Id of the task.",
        ),
        sa.Column(
            "attachment_id", sa.BigInteger, primary_key=True, autoincrement=False, comment="Id of the file in Pyrus."
        ),
        sa.Column(
            "service",
            sa.Text,
            primary_key=True,
            comment="The service to which the file is copied: paymo or onlyoffice.",
        ),
        sa.Column("external_file_id", sa.Text, comment="Id of the copy at the service; null until there is one."),
        sa.Column(
            "external_task_id", sa.BigInteger, comment="Id of the task at the service to which the copy belongs."
        ),
        sa.Column("status", sa.Text, nullable=False, comment="copying (or killed while copying), copied or failed."),
        sa.Column(
            "attempts",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="How often the file was sent so that a copy may have arrived; with 2 or more, an earlier try may "
            "have left a second copy.",
        ),
        sa.Column(
            "known_file_ids",
            sa.ARRAY(sa.Text),
            comment="Ids of files of the same name and size that were there before the first try; they are not the copy.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), comment="When the last try began."),
        sa.Column("copied_at", sa.DateTime(timezone=True), comment="When the copy was found to be there."),
        sa.Column("error", sa.Text, comment="Why the file is not copied; null if it is."),
        sa.CheckConstraint(SERVICES, name="ck_file_copies_service"),
        sa.CheckConstraint("status IN ('copying', 'copied', 'failed')", name="ck_file_copies_status"),
        schema="pyrus",
        comment="Copies of attachments at other services; filled by files mirror.",
    )
    counter = sa.Column(
        "files_copied",
        sa.BigInteger,
        nullable=False,
        server_default=sa.text("0"),
        comment="Files that were copied to another service.",
    )
    op.add_column("sync_runs", counter, schema="pyrus")
    for name, now, _ in COMMENTS:
        op.alter_column("sync_runs", name, comment=now, schema="pyrus")


def downgrade() -> None:
    for name, _, before in COMMENTS:
        op.alter_column("sync_runs", name, comment=before, schema="pyrus")
    op.drop_column("sync_runs", "files_copied", schema="pyrus")
    op.drop_table("file_copies", schema="pyrus")
    op.drop_table("external_tasks", schema="pyrus")
