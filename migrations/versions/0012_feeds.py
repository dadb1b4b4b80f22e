"""How far the first read of registers and lists has come, and a counter of lost forms.

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_feeds",
        sa.Column(
            "account_id",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="Id of the person that the connector logs in as.",
        ),
        sa.Column("kind", sa.Text, primary_key=True, comment="form for the register of a form, or list."),
        sa.Column(
            "feed_id", sa.BigInteger, primary_key=True, autoincrement=False, comment="Id of the form or of the list."
        ),
        sa.Column("reached_id", sa.BigInteger, comment="Greatest id of a task up to which the register is stored."),
        sa.Column("done_at", sa.DateTime(timezone=True), comment="When all of it was stored; null until then."),
        schema="pyrus",
        comment="Registers and lists that the last backfill of an account has begun to read: first rows of tasks.",
    )
    op.add_column(
        "sync_runs",
        sa.Column(
            "forms_lost",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("0"),
            comment="Forms that the account no longer sees, or whose register is refused; see forms.lost_at.",
        ),
        schema="pyrus",
    )


def downgrade() -> None:
    op.drop_column("sync_runs", "forms_lost", schema="pyrus")
    op.drop_table("sync_feeds", schema="pyrus")
