"""The names of the views of catalogs and of their columns; the index of open tasks knows closed ones without a date.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = "ix_tasks_responsible_id_open"


def upgrade() -> None:
    op.create_table(
        "report_catalogs",
        sa.Column("view_name", sa.Text, nullable=False, comment="Name of the view in pyrus_report."),
        sa.Column("catalog_id", sa.BigInteger, nullable=False, comment="Id of the catalog whose items the view shows."),
        sa.Index("uq_report_catalogs_catalog_id", "catalog_id", unique=True),
        sa.PrimaryKeyConstraint("view_name", name=op.f("pk_report_catalogs")),
        schema="pyrus",
        comment="The views of catalogs; a name stays even if the catalog is renamed.",
    )
    op.create_table(
        "report_catalog_columns",
        sa.Column("view_name", sa.Text, nullable=False, comment="Name of the view in pyrus_report."),
        sa.Column(
            "column_no",
            sa.Integer,
            autoincrement=False,
            nullable=False,
            comment="Position of the column among the columns of the catalog in the view, from 1.",
        ),
        sa.Column("column_name", sa.Text, nullable=False, comment="Name of the column; it never changes."),
        sa.Column(
            "header", sa.Text, nullable=False, comment="Header of the column in the catalog; empty if it has none."
        ),
        sa.Column(
            "header_no",
            sa.Integer,
            nullable=False,
            comment="1 for the first column of the catalog with this header, 2 for the second, and so on.",
        ),
        sa.Index("uq_report_catalog_columns_column_name", "view_name", "column_name", unique=True),
        sa.ForeignKeyConstraint(
            ["view_name"],
            ["pyrus.report_catalogs.view_name"],
            name=op.f("fk_report_catalog_columns_view_name"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("view_name", "column_no", name=op.f("pk_report_catalog_columns")),
        schema="pyrus",
        comment="The columns of the views of catalogs, in a fixed order: new columns are added at the end.",
    )
    _index_open("NOT is_closed")


def downgrade() -> None:
    _index_open("close_date IS NULL")
    op.drop_table("report_catalog_columns", schema="pyrus")
    op.drop_table("report_catalogs", schema="pyrus")


def _index_open(condition: str) -> None:
    op.drop_index(OPEN, table_name="tasks", schema="pyrus")
    op.create_index(OPEN, "tasks", ["responsible_id"], postgresql_where=sa.text(condition), schema="pyrus")
