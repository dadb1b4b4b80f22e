"""The quota of an account as a ledger of slices that processes lease.

Revision 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
COUNTED = """
    INSERT INTO pyrus.sync_quota_slices (slice_id, account_id, permits, expires_at, closed_at)
    SELECT row_number() OVER (), coalesce(account_id, 0), sum(sync_requests.requests),
        max(second) + interval '1 second', max(second) + interval '1 second'
    FROM pyrus.sync_requests JOIN pyrus.sync_runs USING (run_id) GROUP BY run_id, account_id
"""
"""Requests of recent runs still count."""


def upgrade() -> None:
    op.create_table(
        "sync_quotas",
        sa.Column(
            "account_id",
            sa.BigInteger,
            autoincrement=False,
            comment="Id of the person that the connector logs in as; 0 for runs that have yet to log in.",
        ),
        sa.Column(
            "requests",
            sa.BigInteger,
            nullable=False,
            comment="Most requests in any period, as PYRUS_ETL_QUOTA was last set.",
        ),
        sa.Column("period", sa.Double, nullable=False, comment="Length of the period in seconds."),
        sa.Column("held_until", Time, comment="Until when the server makes all processes wait; null if it never did."),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_sync_quotas")),
        schema="pyrus",
        comment="The quota of each account. A process locks its row while it leases a slice.",
    )
    op.create_table(
        "sync_quota_slices",
        sa.Column("slice_id", sa.BigInteger, autoincrement=False, comment="Id of the slice, a random number."),
        sa.Column(
            "account_id",
            sa.BigInteger,
            nullable=False,
            comment="Id of the account, as in sync_quotas; 0 counts for all accounts.",
        ),
        sa.Column(
            "permits",
            sa.BigInteger,
            nullable=False,
            comment="Requests that may be sent; once the slice is closed, those that were sent.",
        ),
        sa.Column("expires_at", Time, nullable=False, comment="When its lease ends, or when it was closed."),
        sa.Column("closed_at", Time, comment="When its last answer came; null while a process may use it."),
        sa.PrimaryKeyConstraint("slice_id", name=op.f("pk_sync_quota_slices")),
        schema="pyrus",
        comment="Requests that processes may send. A slice counts until one period after expires_at, "
        "and is deleted later.",
    )
    op.create_index(
        op.f("ix_sync_quota_slices_expires_at"), "sync_quota_slices", ["expires_at"], unique=False, schema="pyrus"
    )
    op.execute(COUNTED)
    op.drop_table("sync_requests", schema="pyrus")


def downgrade() -> None:
    op.create_table(
        "sync_requests",
        sa.Column("run_id", sa.Uuid, nullable=False, comment="Id of the run that sent the requests."),
        sa.Column("second", Time, nullable=False, comment="The second in which the requests were sent."),
        sa.Column("requests", sa.Integer, nullable=False, comment="Number of requests sent in that second."),
        sa.ForeignKeyConstraint(
            ["run_id"], ["pyrus.sync_runs.run_id"], name=op.f("fk_sync_requests_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "second", name=op.f("pk_sync_requests")),
        schema="pyrus",
        comment="Requests of recent runs per second, kept for one quota period, because the next run counts them too.",
    )
    op.drop_table("sync_quota_slices", schema="pyrus")
    op.drop_table("sync_quotas", schema="pyrus")
