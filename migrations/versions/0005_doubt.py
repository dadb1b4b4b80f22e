"""Bodies to ask for again, runs that could not log in, the clock of the server, and requests by second.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("raw_tasks", _is_doubted(), schema="pyrus")
    op.create_index(
        "ix_raw_tasks_doubted",
        "raw_tasks",
        ["task_id"],
        unique=False,
        schema="pyrus",
        postgresql_where=sa.text("is_doubted"),
    )
    op.add_column(
        "sync_errors",
        sa.Column(
            "listed_date",
            TIMESTAMP,
            nullable=True,
            comment="ModifiedDate that it was listed under: an older body is doubted.",
        ),
        schema="pyrus",
    )
    _account("The person that the run logged in as; null: it could not log in.", nullable=True)
    for column in _of_runs():
        op.add_column("sync_runs", column, schema="pyrus")
    op.create_table(
        "sync_requests",
        sa.Column("run_id", sa.Uuid(), nullable=False, comment="The run that sent the requests."),
        sa.Column("second", TIMESTAMP, nullable=False, comment="The second in which they were sent."),
        sa.Column("requests", sa.Integer(), nullable=False, comment="How many were sent in that second."),
        sa.ForeignKeyConstraint(
            ["run_id"], ["pyrus.sync_runs.run_id"], name=op.f("fk_sync_requests_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "second", name=op.f("pk_sync_requests")),
        schema="pyrus",
        comment="Requests of recent runs by second, kept for one period of the quota: the next run counts them too.",
    )


def downgrade() -> None:
    op.drop_table("sync_requests", schema="pyrus")
    op.execute("DELETE FROM pyrus.sync_runs WHERE account_id IS NULL")
    for column in reversed(_of_runs()):
        op.drop_column("sync_runs", column.name, schema="pyrus")
    _account("The person that the run logged in as.", nullable=False)
    op.drop_column("sync_errors", "listed_date", schema="pyrus")
    op.drop_index("ix_raw_tasks_doubted", table_name="raw_tasks", schema="pyrus")
    op.drop_column("raw_tasks", "is_doubted", schema="pyrus")


def _is_doubted() -> sa.Column[bool]:
    """A constant default: PostgreSQL rewrites no row for it."""
    return sa.Column(
        "is_doubted",
        sa.Boolean(),
        server_default=sa.text("false"),
        nullable=False,
        comment="Whether the body may be older than the task: the next run asks for it again.",
    )


def _of_runs() -> list[sa.Column[object]]:
    return [
        sa.Column(
            "login",
            sa.Text(),
            nullable=True,
            comment="PYRUS_LOGIN of the run; null: it had an access token, or no login was set.",
        ),
        sa.Column(
            "server_started_at",
            TIMESTAMP,
            nullable=True,
            comment="When it started by the server's clock: the cursor that it sets if it ends well.",
        ),
        sa.Column(
            "server_ahead_seconds",
            sa.Double(),
            nullable=True,
            comment="By how many seconds the server's clock was ahead of ours at that instant; negative: behind.",
        ),
        sa.Column(
            "alive_at",
            TIMESTAMP,
            nullable=True,
            comment="When the run last showed that it lives while it logs in; afterwards its lease does.",
        ),
    ]


def _account(comment: str, *, nullable: bool) -> None:
    op.alter_column(
        "sync_runs",
        "account_id",
        existing_type=sa.BigInteger(),
        nullable=nullable,
        comment=comment,
        schema="pyrus",
    )
