"""Which forms and catalogs their views follow.

Revision 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "report_settings",
        sa.Column(
            "views_follow",
            sa.Text,
            comment="Digest of the forms and catalogs that their views were last made from; null if they were not "
            "made yet.",
        ),
        schema="pyrus",
    )


def downgrade() -> None:
    op.drop_column("report_settings", "views_follow", schema="pyrus")
