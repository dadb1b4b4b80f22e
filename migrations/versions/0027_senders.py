"""A row of the outbox may name the account that sends it.

Revision 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "outbox",
        sa.Column(
            "account",
            sa.Text,
            comment="Who sends it: the name of an account in the config file, or its login; null: see "
            "docs/write-back.md.",
        ),
        schema="pyrus",
    )


def downgrade() -> None:
    op.drop_column("outbox", "account", schema="pyrus")
