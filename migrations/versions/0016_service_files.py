"""Files at other services, the state of their contents, and the counters of runs that read them.

Revision 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COUNTERS = {
    "files_changed": "Files of another service that were new or changed.",
    "files_unchanged": "Files of another service that were stored already.",
    "files_deleted": "Files of another service that were marked as deleted.",
    "projects_failed": "Projects of another service whose files could not be listed.",
}
COMMENTS = (
    (
        "account_id",
        "Id of the person that the connector logs in as, negative for a file service; null without a login.",
        "Id of the person that the connector logs in as; null if the run could not log in.",
    ),
    (
        "login",
        "PYRUS_LOGIN of the run, or the file service; null with an access token and without a login.",
        "PYRUS_LOGIN of the run; null if it used an access token or no login was set.",
    ),
    (
        "kind",
        "backfill, sync, reconcile, retry, download or files.",
        "backfill, sync, reconcile, retry or download.",
    ),
    (
        "files_listed",
        "Files that the run listed, or whose contents it was to fetch.",
        "Files whose contents the run was to fetch.",
    ),
)
"""Column of sync_runs, and its comments from now on and before."""
STATUSES = "status IN ('stored', 'missing', 'denied', 'corrupt', 'failed')"


def upgrade() -> None:
    op.create_table(
        "service_files",
        sa.Column("service", sa.Text, primary_key=True, comment="The service that has the file: paymo or onlyoffice."),
        sa.Column("file_id", sa.Text, primary_key=True, comment="Id of the file at its service."),
        sa.Column("name", sa.Text, comment="File name."),
        sa.Column("size_bytes", sa.BigInteger, comment="Size in bytes."),
        sa.Column("media_type", sa.Text, comment="Type of the contents, such as image/png, if the service gives it."),
        sa.Column(
            "description", sa.Text, comment="Description of the file; at ONLYOFFICE, the comment of its last version."
        ),
        sa.Column("project_id", sa.Text, comment="Id of the project at the service, in which the file is."),
        sa.Column("task_id", sa.Text, comment="Id of the first task at the service, to which the file is attached."),
        sa.Column(
            "discussion_id",
            sa.Text,
            comment="Id of the first discussion at the service, to which the file is attached.",
        ),
        sa.Column("comment_id", sa.Text, comment="Id of the comment at the service, to which the file is attached."),
        sa.Column("author_id", sa.Text, comment="Id of the person at the service who uploaded the file."),
        sa.Column("created_at", sa.DateTime(timezone=True), comment="When the file was uploaded."),
        sa.Column("updated_at", sa.DateTime(timezone=True), comment="When the file was last changed."),
        sa.Column("download_url", sa.Text, comment="Where the service serves the contents; the link may expire."),
        sa.Column("payload", JSONB, nullable=False, comment="The description of the file as served."),
        sa.Column(
            "places",
            sa.ARRAY(sa.Text),
            nullable=False,
            comment="All places to which the file is attached, such as task/9; a file of ONLYOFFICE may have several.",
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, comment="When this row was last written."),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            comment="When a census no longer found the file; null while it is there.",
        ),
        sa.Index("ix_service_files_task_id", "service", "task_id"),
        schema="pyrus",
        comment="One row per file of a project, task, discussion or comment at another service; filled by files sync.",
    )
    op.create_table(
        "service_file_contents",
        sa.Column("service", sa.Text, primary_key=True, comment="The service that has the file: paymo or onlyoffice."),
        sa.Column("file_id", sa.Text, primary_key=True, comment="Id of the file at its service."),
        sa.Column("status", sa.Text, nullable=False, comment="stored, missing, denied, corrupt or failed."),
        sa.Column("stored_uri", sa.Text, comment="URL of the stored contents: file, s3, gs or az."),
        sa.Column("stored_at", sa.DateTime(timezone=True), comment="When the contents were stored."),
        sa.Column("error", sa.Text, comment="Why the contents are not stored; null if they are."),
        sa.Column("size_bytes", sa.BigInteger, comment="Size of the stored contents in bytes."),
        sa.Column("sha256", sa.Text, comment="SHA-256 of the stored contents, in hexadecimal."),
        sa.Column("media_type", sa.Text, comment="Content-Type that came with the contents."),
        sa.Column(
            "attempts",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="How often the contents were requested so far.",
        ),
        sa.CheckConstraint(STATUSES, name="ck_service_file_contents_status"),
        schema="pyrus",
        comment="State of the contents of files at other services; filled by attachments download --service.",
    )
    for name, comment in COUNTERS.items():
        counter = sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=comment)
        op.add_column("sync_runs", counter, schema="pyrus")
    for name, now, _ in COMMENTS:
        op.alter_column("sync_runs", name, comment=now, schema="pyrus")


def downgrade() -> None:
    for name, _, before in COMMENTS:
        op.alter_column("sync_runs", name, comment=before, schema="pyrus")
    for name in COUNTERS:
        op.drop_column("sync_runs", name, schema="pyrus")
    op.drop_table("service_file_contents", schema="pyrus")
    op.drop_table("service_files", schema="pyrus")
