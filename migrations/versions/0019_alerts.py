"""Alerts, and the kind of the error that ended a run.

Revision 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "sync_runs",
        sa.Column(
            "error_type",
            sa.Text,
            comment="Kind of that error, as in pyrus_etl.errors: LoginRefused, CensusDoubted, …",
        ),
        schema="pyrus",
    )
    op.create_table(
        "sync_alerts",
        sa.Column("alert_id", sa.Uuid, comment="Id of the alert, sent with it; later ones are greater."),
        sa.Column("event", sa.Text, nullable=False, comment="failing, recovered, stale or census_doubted."),
        sa.Column("at", Time, nullable=False, comment="When the event was noticed."),
        sa.Column(
            "account_id",
            sa.BigInteger,
            comment="Id of the account whose runs it is about; null if no run of it has ever logged in.",
        ),
        sa.Column("login", sa.Text, comment="PYRUS_LOGIN of those runs, if account_id is null."),
        sa.Column(
            "run_id", sa.Uuid, nullable=False, comment="Id of the run that shows it; for stale, the last good one."
        ),
        sa.Column("kind", sa.Text, nullable=False, comment="Kind of that run, as in sync_runs."),
        sa.Column("error", sa.Text, comment="What is wrong; null for recovered."),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="How often it was sent."),
        sa.Column("claimed_at", Time, comment="When a process began to send it; null if none is sending it."),
        sa.Column("sent_at", Time, comment="When PYRUS_ETL_ALERT_URL took it; null until then."),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_sync_alerts")),
        schema="pyrus",
        comment="Events for PYRUS_ETL_ALERT_URL, each written before it is sent; without that setting, none.",
    )


def downgrade() -> None:
    op.drop_table("sync_alerts", schema="pyrus")
    op.drop_column("sync_runs", "error_type", schema="pyrus")
