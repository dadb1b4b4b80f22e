"""Whether a field of a form has a default, or is not always shown.

Revision 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

COLUMNS = {
    "has_default": "Whether the form fills the field of a new task; null if Pyrus does not say.",
    "is_conditional": "Whether it, its section or its choice is shown only under a condition; null if Pyrus does not say.",
}


def upgrade() -> None:
    for name, comment in COLUMNS.items():
        op.add_column("form_fields", sa.Column(name, sa.Boolean, comment=comment), schema="pyrus")


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("form_fields", name, schema="pyrus")
