"""Sums of the runs whose rows were removed.

Revision 0029, after 0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

COUNTERS = {
    "tasks_listed": "Entries read in lists of tasks; a task in two lists counts twice.",
    "tasks_fetched": "Bodies fetched.",
    "tasks_changed": "Tasks written, because they were new or their body had changed.",
    "tasks_unchanged": "Listed tasks found unchanged, by their date or by the hash of their body.",
    "tasks_deleted": "Tasks marked as deleted.",
    "tasks_failed": "Tasks set aside; see sync_errors.",
    "forms_lost": "Forms that the account no longer sees, or whose register is refused; see forms.lost_at.",
    "values_unreadable": "Values stored as null because they could not be read; raw_tasks has them.",
    "files_listed": "Files that the run listed, or whose contents it was to fetch.",
    "files_stored": "Files whose contents were stored.",
    "files_copied": "Files that were copied to another service.",
    "files_skipped": "Files that an option of the run leaves out.",
    "files_missing": "Files that Pyrus does not have.",
    "files_denied": "Files that Pyrus refuses to the account.",
    "files_corrupt": "Files that came with another size or MD5 than stated.",
    "files_failed": "Files that could not be stored or copied for another reason; see attachment_contents and file_copies.",
    "files_changed": "Files of another service that were new or changed.",
    "files_unchanged": "Files of another service that were stored already.",
    "files_deleted": "Files of another service that were marked as deleted.",
    "projects_failed": "Projects of another service whose files could not be listed.",
    "bytes": "Bytes of the contents that were stored or copied.",
    "rows_sent": "Rows of the outbox that Pyrus has applied.",
    "rows_refused": "Rows of the outbox that were refused, by Pyrus or before they were sent.",
    "rows_unknown": "Rows of the outbox of which nobody knows whether Pyrus has applied them.",
    "rows_held": "Rows of the outbox that wait for an earlier row of their task.",
    "requests": "Requests sent to Pyrus.",
    "retries": "Requests that had to be sent again.",
}


def upgrade() -> None:
    op.create_table(
        "sync_run_totals",
        sa.Column("kind", sa.Text, comment="Kind of the runs, as in sync_runs."),
        sa.Column("status", sa.Text, comment="How they ended, as in sync_runs."),
        sa.Column("runs", sa.BigInteger, nullable=False, comment="Number of these runs."),
        *(_count(name, comment) for name, comment in COUNTERS.items()),
        sa.PrimaryKeyConstraint("kind", "status", name=op.f("pk_sync_run_totals")),
        schema="pyrus",
        comment="Sums of the runs whose rows were removed because they are old, so that no counter of /metrics falls.",
    )


def downgrade() -> None:
    op.drop_table("sync_run_totals", schema="pyrus")


def _count(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"), comment=comment)
