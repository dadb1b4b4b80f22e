"""Which fields of a form each account sees, so that one that sees a part of it removes none of the others.

Revision 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

REMOVED_AT = "When a run found that no account sees the field in the form any more."
BEFORE = "When a run found that the form no longer has the field."


def upgrade() -> None:
    op.add_column(
        "directory_sightings",
        sa.Column(
            "field_ids",
            sa.ARRAY(sa.BigInteger),
            comment="Ids of the fields that the account sees in the form, in order.",
        ),
        schema="pyrus",
    )
    op.execute(f"COMMENT ON COLUMN pyrus.form_fields.removed_at IS '{REMOVED_AT}'")


def downgrade() -> None:
    op.execute(f"COMMENT ON COLUMN pyrus.form_fields.removed_at IS '{BEFORE}'")
    op.drop_column("directory_sightings", "field_ids", schema="pyrus")
