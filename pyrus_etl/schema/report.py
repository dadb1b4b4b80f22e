"""What the reports need to remember: what users set, and how the wide views of forms are named."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text, text

from pyrus_etl.schema.metadata import SCHEMA, bigint, key, metadata, ordinal

report_settings = Table(
    "report_settings",
    metadata,
    Column(
        "only_row", Boolean, primary_key=True, server_default=text("true"), comment="Always true: there is one row."
    ),
    Column(
        "time_zone",
        Text,
        nullable=False,
        server_default=text("'UTC'"),
        comment="Time zone in which the reports cut days, weeks and hours: a name such as Europe/Moscow.",
    ),
    Column(
        "task_url",
        Text,
        nullable=False,
        server_default=text("'https://pyrus.com/t#id'"),
        comment="What the link to a task begins with; the id of the task follows.",
    ),
    CheckConstraint("only_row", name="report_settings_has_one_row"),
    comment="Settings of the reports; to be changed by an UPDATE or with PYRUS_ETL_TIME_ZONE.",
)

form_overrides = Table(
    "form_overrides",
    metadata,
    key("project_id", "A project; what is said counts for tasks in it and in the projects below it."),
    bigint("form_id", "The form of those tasks, null for none; see tasks.form_id."),
    comment="Where the form that is inferred for tasks is wrong: rows put in here by hand overrule it, for stored "
    "tasks at the next pyrus-etl reports refresh.",
)

report_views = Table(
    "report_views",
    metadata,
    Column("view_name", Text, primary_key=True, comment="Name of the view in pyrus_report."),
    bigint("form_id", "The form whose tasks are its rows, or whose table is.", nullable=False),
    bigint("table_id", "The field (a table) whose rows are the view's; null for the form itself."),
    Index("uq_report_views_form_id", "form_id", "table_id", unique=True, postgresql_nulls_not_distinct=True),
    comment="The wide views of forms, with names that stay though a form be renamed.",
)

report_columns = Table(
    "report_columns",
    metadata,
    Column(
        "view_name",
        Text,
        ForeignKey(f"{SCHEMA}.report_views.view_name", ondelete="CASCADE"),
        primary_key=True,
        comment="The wide view.",
    ),
    ordinal("column_no", "Place of the column among the fields' columns of the view, from 1."),
    Column("column_name", Text, nullable=False, comment="Name of the column; it stays though the field be renamed."),
    Column("field_id", BigInteger, nullable=False, comment="The field whose values it shows."),
    Column(
        "shows",
        Text,
        nullable=False,
        comment="What it shows of the field: its value, or the id of the person, project or catalog item.",
    ),
    Column("field_type", Text, comment="Type of the field when the column was made; another type has another column."),
    Column("field_name", Text, comment="Name of the field as last met."),
    Index("uq_report_columns_column_name", "view_name", "column_name", unique=True),
    comment="The columns of the wide views, in an order that stays: new fields come behind.",
)
