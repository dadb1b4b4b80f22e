"""State of the reports: users' settings, and the names of the wide views of forms and their columns."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from pyrus_etl.schema.metadata import SCHEMA, bigint, key, metadata, ordinal

report_settings = Table(
    "report_settings",
    metadata,
    Column(
        "only_row",
        Boolean,
        primary_key=True,
        server_default=text("true"),
        comment="Always true, so that there is only one row.",
    ),
    Column(
        "time_zone",
        Text,
        nullable=False,
        server_default=text("'UTC'"),
        comment="Time zone of the reports, which decides when days, weeks and hours begin; e.g. Europe/Moscow.",
    ),
    Column(
        "task_url",
        Text,
        nullable=False,
        server_default=text("'https://pyrus.com/t#id'"),
        comment="Beginning of the link to a task; the id of the task is appended.",
    ),
    Column(
        "views_follow",
        Text,
        comment="Digest of the forms and catalogs that their views were last made from; null if they were not made "
        "yet.",
    ),
    CheckConstraint("only_row", name="report_settings_has_one_row"),
    comment="Settings of the reports; change them with an UPDATE, or the time zone with PYRUS_ETL_TIME_ZONE.",
)

form_overrides = Table(
    "form_overrides",
    metadata,
    key("project_id", "Id of the project; the override applies to tasks in it and in the projects below it."),
    bigint("form_id", "Id of the form of those tasks; null for no form. See tasks.form_id."),
    comment="Rows that users insert if the form inferred for tasks is wrong; for stored tasks they take effect at the "
    "next pyrus-etl reports refresh.",
)

report_views = Table(
    "report_views",
    metadata,
    Column("view_name", Text, primary_key=True, comment="Name of the view in pyrus_report."),
    bigint("form_id", "Id of the form whose tasks, or rows of a table field, the view shows.", nullable=False),
    bigint("table_id", "Id of the table field whose rows the view shows; null for the form itself."),
    Index("uq_report_views_form_id", "form_id", "table_id", unique=True, postgresql_nulls_not_distinct=True),
    comment="The wide views of forms; a name stays even if the form is renamed.",
)

report_columns = Table(
    "report_columns",
    metadata,
    Column(
        "view_name",
        Text,
        ForeignKey(f"{SCHEMA}.report_views.view_name", ondelete="CASCADE"),
        primary_key=True,
        comment="Name of the view in pyrus_report.",
    ),
    ordinal("column_no", "Position of the column among the columns of fields in the view, from 1."),
    Column("column_name", Text, nullable=False, comment="Name of the column; it stays even if the field is renamed."),
    Column("field_id", BigInteger, nullable=False, comment="Id of the field in its form."),
    Column(
        "shows",
        Text,
        nullable=False,
        comment="What the column shows: value, or id for the id of the person, project or catalog item.",
    ),
    Column("field_type", Text, comment="Type of the field when the column was added; a new type gets a new column."),
    Column("field_name", Text, comment="Name of the field as last seen."),
    Index("uq_report_columns_column_name", "view_name", "column_name", unique=True),
    comment="The columns of the wide views, in a fixed order: columns of new fields are added at the end.",
)

report_catalogs = Table(
    "report_catalogs",
    metadata,
    Column("view_name", Text, primary_key=True, comment="Name of the view in pyrus_report."),
    bigint("catalog_id", "Id of the catalog whose items the view shows.", nullable=False),
    Index("uq_report_catalogs_catalog_id", "catalog_id", unique=True),
    comment="The views of catalogs; a name stays even if the catalog is renamed.",
)

report_catalog_columns = Table(
    "report_catalog_columns",
    metadata,
    Column(
        "view_name",
        Text,
        ForeignKey(f"{SCHEMA}.report_catalogs.view_name", ondelete="CASCADE"),
        primary_key=True,
        comment="Name of the view in pyrus_report.",
    ),
    ordinal("column_no", "Position of the column among the columns of the catalog in the view, from 1."),
    Column("column_name", Text, nullable=False, comment="Name of the column; it never changes."),
    Column("header", Text, nullable=False, comment="Header of the column in the catalog; empty if it has none."),
    Column(
        "header_no",
        Integer,
        nullable=False,
        comment="1 for the first column of the catalog with this header, 2 for the second, and so on.",
    ),
    Index("uq_report_catalog_columns_column_name", "view_name", "column_name", unique=True),
    comment="The columns of the views of catalogs, in a fixed order: new columns are added at the end.",
)
