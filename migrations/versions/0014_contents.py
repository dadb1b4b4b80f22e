"""What is known of the contents of attachments, and the counters of runs that fetch them.

Revision 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CONTENTS = ("size_bytes", "sha256", "media_type", "attempts")
COUNTERS = {
    "files_listed": "Files whose contents the run was to fetch.",
    "files_stored": "Files whose contents were stored.",
    "files_skipped": "Files that an option of the run leaves out.",
    "files_missing": "Files that Pyrus does not have.",
    "files_denied": "Files that Pyrus refuses to the account.",
    "files_corrupt": "Files that came with another size or MD5 than stated.",
    "files_failed": "Files whose contents could not be stored for another reason; see attachment_contents.",
    "bytes": "Bytes of the contents that were stored.",
}
COMMENTS = (
    (
        "attachment_contents",
        "stored_uri",
        "URL of the stored contents: file, s3, gs or az.",
        "Where the contents are stored.",
    ),
    (
        "attachment_contents",
        "error",
        "Why the contents are not stored; null if they are.",
        "Why the contents could not be stored.",
    ),
    ("sync_runs", "kind", "backfill, sync, reconcile, retry or download.", "backfill, sync, reconcile or retry."),
)
"""Table, column, and its comments from now on and before."""


def upgrade() -> None:
    for column in (
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
    ):
        op.add_column("attachment_contents", column, schema="pyrus")
    for name, comment in COUNTERS.items():
        counter = sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=comment)
        op.add_column("sync_runs", counter, schema="pyrus")
    for table, name, now, _ in COMMENTS:
        op.alter_column(table, name, comment=now, schema="pyrus")


def downgrade() -> None:
    for table, name, _, before in COMMENTS:
        op.alter_column(table, name, comment=before, schema="pyrus")
    for name in COUNTERS:
        op.drop_column("sync_runs", name, schema="pyrus")
    for name in CONTENTS:
        op.drop_column("attachment_contents", name, schema="pyrus")
