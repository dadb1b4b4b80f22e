"""Which organization each account belongs to: a database holds one.

Revision 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

COMMENT = "Id of its organization, as its profile names it; null if it does not. Another one is refused."


def upgrade() -> None:
    """Adds the column; the next run of each account fills it."""
    op.add_column("accounts", sa.Column("organization_id", sa.BigInteger, comment=COMMENT), schema="pyrus")


def downgrade() -> None:
    op.drop_column("accounts", "organization_id", schema="pyrus")
