"""The forms of tasks, and what the reports need to remember.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "form_fields",
        sa.Column(
            "form_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="The form; see tasks.form_id."
        ),
        sa.Column(
            "field_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Id of the field in its form."
        ),
        sa.Column("field_type", sa.Text(), nullable=True, comment="Type of the field: Text, Decimal, Catalog, …"),
        sa.Column("field_name", sa.Text(), nullable=True, comment="Name of the field as people see it."),
        sa.Column(
            "parent_field_id",
            sa.BigInteger(),
            nullable=True,
            comment="The field (table or section) that this one stands in.",
        ),
        sa.Column(
            "in_rows",
            sa.Boolean(),
            nullable=False,
            comment="Whether it is a column of a table: its values have a row_id.",
        ),
        sa.PrimaryKeyConstraint("form_id", "field_id", name=op.f("pk_form_fields")),
        schema="pyrus",
        comment="Every field met in a form, as last told; merged, never deleted.",
    )
    op.create_table(
        "form_overrides",
        sa.Column(
            "project_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="A project; what is said counts for tasks in it and in the projects below it.",
        ),
        sa.Column(
            "form_id",
            sa.BigInteger(),
            nullable=True,
            comment="The form of those tasks, null for none; see tasks.form_id.",
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_form_overrides")),
        schema="pyrus",
        comment="Where the form that is inferred for tasks is wrong: rows put in here by hand overrule it, for stored tasks at the next pyrus-etl reports refresh.",
    )
    op.create_table(
        "report_settings",
        sa.Column(
            "only_row",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Always true: there is one row.",
        ),
        sa.Column(
            "time_zone",
            sa.Text(),
            server_default=sa.text("'UTC'"),
            nullable=False,
            comment="Time zone in which the reports cut days, weeks and hours: a name such as Europe/Moscow.",
        ),
        sa.Column(
            "task_url",
            sa.Text(),
            server_default=sa.text("'https://pyrus.com/t#id'"),
            nullable=False,
            comment="What the link to a task begins with; the id of the task follows.",
        ),
        sa.CheckConstraint("only_row", name="report_settings_has_one_row"),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_report_settings")),
        schema="pyrus",
        comment="Settings of the reports; to be changed by an UPDATE or with PYRUS_ETL_TIME_ZONE.",
    )
    op.create_table(
        "report_views",
        sa.Column("view_name", sa.Text(), nullable=False, comment="Name of the view in pyrus_report."),
        sa.Column(
            "form_id", sa.BigInteger(), nullable=False, comment="The form whose tasks are its rows, or whose table is."
        ),
        sa.Column(
            "table_id",
            sa.BigInteger(),
            nullable=True,
            comment="The field (a table) whose rows are the view's; null for the form itself.",
        ),
        sa.PrimaryKeyConstraint("view_name", name=op.f("pk_report_views")),
        schema="pyrus",
        comment="The wide views of forms, with names that stay though a form be renamed.",
    )
    op.create_index(
        "uq_report_views_form_id",
        "report_views",
        ["form_id", "table_id"],
        unique=True,
        schema="pyrus",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "report_columns",
        sa.Column("view_name", sa.Text(), nullable=False, comment="The wide view."),
        sa.Column(
            "column_no",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the column among the fields' columns of the view, from 1.",
        ),
        sa.Column(
            "column_name",
            sa.Text(),
            nullable=False,
            comment="Name of the column; it stays though the field be renamed.",
        ),
        sa.Column("field_id", sa.BigInteger(), nullable=False, comment="The field whose values it shows."),
        sa.Column(
            "shows",
            sa.Text(),
            nullable=False,
            comment="What it shows of the field: its value, or the id of the person, project or catalog item.",
        ),
        sa.Column(
            "field_type",
            sa.Text(),
            nullable=True,
            comment="Type of the field when the column was made; another type has another column.",
        ),
        sa.Column("field_name", sa.Text(), nullable=True, comment="Name of the field as last met."),
        sa.ForeignKeyConstraint(
            ["view_name"],
            ["pyrus.report_views.view_name"],
            name=op.f("fk_report_columns_view_name"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("view_name", "column_no", name=op.f("pk_report_columns")),
        schema="pyrus",
        comment="The columns of the wide views, in an order that stays: new fields come behind.",
    )
    op.create_index(
        "uq_report_columns_column_name", "report_columns", ["view_name", "column_name"], unique=True, schema="pyrus"
    )
    op.add_column(
        "task_projects",
        sa.Column("project_no", sa.Integer(), nullable=True, comment="Place of the project in the task, from 1."),
        schema="pyrus",
    )
    op.add_column(
        "tasks",
        sa.Column(
            "form_id",
            sa.BigInteger(),
            nullable=True,
            comment="The form that the task was made from, which is a project too; null where it has no form. Pyrus does not name it: it is the root among the task's projects, unless form_overrides says otherwise.",
        ),
        schema="pyrus",
    )
    op.create_index(op.f("ix_tasks_form_id"), "tasks", ["form_id"], unique=False, schema="pyrus")
    op.execute("INSERT INTO pyrus.report_settings DEFAULT VALUES")


def downgrade() -> None:
    op.drop_index(op.f("ix_tasks_form_id"), table_name="tasks", schema="pyrus")
    op.drop_column("tasks", "form_id", schema="pyrus")
    op.drop_column("task_projects", "project_no", schema="pyrus")
    op.drop_index("uq_report_columns_column_name", table_name="report_columns", schema="pyrus")
    op.drop_table("report_columns", schema="pyrus")
    op.drop_index(
        "uq_report_views_form_id", table_name="report_views", schema="pyrus", postgresql_nulls_not_distinct=True
    )
    op.drop_table("report_views", schema="pyrus")
    op.drop_table("report_settings", schema="pyrus")
    op.drop_table("form_overrides", schema="pyrus")
    op.drop_table("form_fields", schema="pyrus")
