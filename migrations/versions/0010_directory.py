"""What each account sees of the directory, and which version of a catalog has its contents stored.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    contents_version = sa.Column(
        "contents_version",
        sa.BigInteger,
        comment="Version whose columns and items are stored; null if they never could be read.",
    )
    op.add_column("catalogs", contents_version, schema="pyrus")
    op.alter_column(
        "catalogs",
        "version",
        comment="Version of the catalog as last listed: it changes with the items.",
        schema="pyrus",
    )
    op.create_table(
        "directory_sightings",
        sa.Column(
            "account_id",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="Id of the person that the connector logs in as.",
        ),
        sa.Column("stream", sa.Text, primary_key=True, comment="forms, lists, catalogs or roles."),
        sa.Column(
            "thing_id",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="Id of the form, list, catalog or role.",
        ),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            comment="When the account no longer saw it; null while it does.",
        ),
        sa.Column(
            "refused_at",
            sa.DateTime(timezone=True),
            comment="When Pyrus refused the register of the form, or the items of the catalog; null if it did not.",
        ),
        sa.Column("refused_version", sa.BigInteger, comment="Version of the catalog whose items were refused."),
        schema="pyrus",
        comment="What each account sees of the directory. What none sees any more is marked in its own table.",
    )


def downgrade() -> None:
    op.drop_table("directory_sightings", schema="pyrus")
    op.drop_column("catalogs", "contents_version", schema="pyrus")
