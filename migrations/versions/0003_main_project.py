"""The main project of a task, beside the task; `db rebuild` fills it for stored tasks.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tasks",
        sa.Column(
            "main_project_id",
            sa.BigInteger(),
            nullable=True,
            comment="Its main project: the first that it is filed in; see task_projects.",
        ),
        schema="pyrus",
    )
    op.execute("ANALYZE pyrus.report_settings")  # one row is too few for autovacuum: plans took it for 870
    op.create_index(op.f("ix_tasks_main_project_id"), "tasks", ["main_project_id"], unique=False, schema="pyrus")


def downgrade() -> None:
    op.drop_index(op.f("ix_tasks_main_project_id"), table_name="tasks", schema="pyrus")
    op.drop_column("tasks", "main_project_id", schema="pyrus")
