"""The privacy rules that stored rows follow.

Revision 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privacy_rules",
        sa.Column(
            "digest",
            sa.Text,
            primary_key=True,
            comment="Digest of the privacy rules, without the key; none: no rules.",
        ),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True),
            comment="When everything stored followed them; null while db rebuild applies them.",
        ),
        schema="pyrus",
        comment="The privacy rules that stored rows follow: one row, or none if an earlier version wrote the first rows.",
    )


def downgrade() -> None:
    op.drop_table("privacy_rules", schema="pyrus")
