"""Whether the search of API v3 took the token of API v4.

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sync_runs",
        sa.Column(
            "search_works",
            sa.Boolean,
            comment="Whether the search of API v3 took the token of API v4; null if the run did not try.",
        ),
        schema="pyrus",
    )


def downgrade() -> None:
    op.drop_column("sync_runs", "search_works", schema="pyrus")
