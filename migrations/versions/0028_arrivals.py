"""Contents that a run may have stored and has not recorded yet.

Revision 0028, after 0027.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_arrivals",
        sa.Column("run_id", sa.Uuid, comment="Id of the run that stores the contents."),
        sa.Column("path", sa.Text, comment="Where below the target: the id of the file, and its name."),
        sa.Column("target", sa.Text, nullable=False, comment="URL of the target."),
        sa.PrimaryKeyConstraint("run_id", "path", name=op.f("pk_sync_arrivals")),
        schema="pyrus",
        comment="Contents of files that a run may have stored and has not recorded yet; the row goes when they are. "
        "The next download removes what a killed one left here.",
    )


def downgrade() -> None:
    op.drop_table("sync_arrivals", schema="pyrus")
