"""When an approver was added, removed or asked again, beside it; and what becomes of the parent of a project.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "note_approvals",
        sa.Column(
            "create_date",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the note was written: the same as in notes.",
        ),
        schema="pyrus",
    )
    _comment_on_parent("The project above it; null for a root. Kept where it is not told again.")
    op.execute("COMMENT ON TABLE pyrus.alembic_version IS 'The revision that the schema is at; kept by Alembic.'")
    op.execute(
        "COMMENT ON COLUMN pyrus.alembic_version.version_num IS 'The revision: the last migration that was done.'"
    )


def downgrade() -> None:
    op.drop_column("note_approvals", "create_date", schema="pyrus")
    _comment_on_parent("The project above it; null for a root.")


def _comment_on_parent(comment: str) -> None:
    op.alter_column("projects", "parent_id", existing_type=sa.BigInteger(), comment=comment, schema="pyrus")
