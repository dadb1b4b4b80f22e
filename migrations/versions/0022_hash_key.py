"""Whether the key of the hashes is still the same.

Revision 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "privacy_rules",
        sa.Column(
            "key_check",
            sa.Text,
            comment="Sixteen bits of an HMAC with the key of the stored hashes; null if nothing was hashed yet.",
        ),
        schema="pyrus",
    )


def downgrade() -> None:
    op.drop_column("privacy_rules", "key_check", schema="pyrus")
