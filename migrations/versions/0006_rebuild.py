"""Which reader made the rows of a body; when each row was written; the items of values.

What else these need, `db rebuild` makes of the stored bodies. Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)
WRITTEN = (
    "tasks",
    "task_projects",
    "approvals",
    "notes",
    "note_projects",
    "note_approvals",
    "form_values",
    "note_form_values",
    "attachments",
    "raw_tasks",
)
"""Tables of tasks and of what belongs to them."""


def upgrade() -> None:
    """Adds columns with defaults that do not change within the statement: PostgreSQL rewrites no row for them."""
    op.add_column("raw_tasks", _api(), schema="pyrus")
    op.add_column("raw_tasks", _read_by(), schema="pyrus")
    op.create_index("ix_raw_tasks_read_by", "raw_tasks", ["read_by"], unique=False, schema="pyrus")
    for table in WRITTEN:
        op.add_column(table, _synced_at(), schema="pyrus")
    op.create_index(op.f("ix_tasks_synced_at"), "tasks", ["synced_at"], unique=False, schema="pyrus")
    _create_items()


def downgrade() -> None:
    op.drop_table("form_value_items", schema="pyrus")
    op.drop_index(op.f("ix_tasks_synced_at"), table_name="tasks", schema="pyrus")
    for table in WRITTEN:
        op.drop_column(table, "synced_at", schema="pyrus")
    op.drop_index("ix_raw_tasks_read_by", table_name="raw_tasks", schema="pyrus")
    op.drop_column("raw_tasks", "read_by", schema="pyrus")
    op.drop_column("raw_tasks", "api", schema="pyrus")


def _synced_at() -> sa.Column[object]:
    return sa.Column(
        "synced_at",
        TIMESTAMP,
        server_default=sa.text("now()"),
        nullable=False,
        comment="When this row was written here.",
    )


def _api() -> sa.Column[str]:
    return sa.Column(
        "api",
        sa.Text(),
        server_default=sa.text("'v3'"),
        nullable=False,
        comment="The API that served the body: v3.",
    )


def _read_by() -> sa.Column[int]:
    return sa.Column(
        "read_by",
        sa.SmallInteger(),
        server_default=sa.text("0"),
        nullable=False,
        comment="Version of the reader that made the rows of this body; an older one than the program's: db rebuild.",
    )


def _create_items() -> None:
    op.create_table(
        "form_value_items",
        sa.Column(
            "task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The task that this is about."
        ),
        sa.Column(
            "note_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="The note whose value it is; 0: the task's form.",
        ),
        sa.Column(
            "value_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the value in the form, or in the note's; see form_values and note_form_values.",
        ),
        sa.Column(
            "item_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the item in the value, from 1.",
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="catalog, choice, task, file or project."),
        sa.Column(
            "item_id",
            sa.BigInteger(),
            nullable=True,
            comment="Id of the item of a catalog, choice, task, file or project; null if Pyrus gives none.",
        ),
        sa.Column(
            "text",
            sa.Text(),
            nullable=True,
            comment="What people read: the first column of a catalog's item, the name of the others.",
        ),
        _synced_at(),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_form_value_items_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "note_no", "value_no", "item_no", name=op.f("pk_form_value_items")),
        schema="pyrus",
        comment="The items of values that name something: one row for each item of a catalog, file or project.",
    )
