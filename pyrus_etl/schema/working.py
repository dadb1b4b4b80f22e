"""When people work, and how soon tasks should be done: rows that users insert, and what is computed from them."""

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, Numeric, Table, Text, Time, text

from pyrus_etl.schema.metadata import Timestamp, key, metadata

working_hours = Table(
    "working_hours",
    metadata,
    Column("weekday", Integer, primary_key=True, autoincrement=False, comment="1 for Monday to 7 for Sunday."),
    Column("starts", Time, primary_key=True, comment="When work starts, in the time zone of the reports."),
    Column(
        "ends",
        Time,
        nullable=False,
        comment="When it ends; on the next day if this is not after the start. 24:00 is midnight.",
    ),
    CheckConstraint("weekday BETWEEN 1 AND 7", name="working_hours_are_of_a_weekday"),
    comment="Working hours, rows that users insert; a day with a break has two. While there are none, every hour "
    "counts. Changes take effect at the next pyrus-etl reports refresh.",
)

holidays = Table(
    "holidays",
    metadata,
    Column("day", Date, primary_key=True, comment="The day, in the time zone of the reports."),
    Column("name", Text, comment="Its name; only for you."),
    Column("starts", Time, comment="When work starts on this day; null if nobody works."),
    Column("ends", Time, comment="When it ends, as in working_hours."),
    CheckConstraint("(starts IS NULL) = (ends IS NULL)", name="holidays_have_both_hours_or_none"),
    comment="Days with other hours than their weekday, rows that users insert: holidays, short days, and weekends on "
    "which people work. Changes take effect at the next pyrus-etl reports refresh.",
)

working_periods = Table(
    "working_periods",
    metadata,
    Column("starts_at", Timestamp, primary_key=True, comment="When the period starts."),
    Column("ends_at", Timestamp, nullable=False, comment="When it ends; infinity if every hour counts."),
    Column("worked_before", Numeric, nullable=False, comment="Seconds worked in all periods before this one."),
    Index("ix_working_periods_worked_before", "worked_before"),
    comment="The periods in which people work, from 2000 to 2099, which pyrus-etl reports refresh computes from "
    "working_hours and holidays.",
)

service_levels = Table(
    "service_levels",
    metadata,
    key("form_id", "Id of the form."),
    Column(
        "step_no",
        Integer,
        primary_key=True,
        autoincrement=False,
        server_default=text("0"),
        comment="Number of the step in the form; 0 for the whole task.",
    ),
    Column("hours", Numeric, nullable=False, comment="Working hours that a task may take, or stay in the step."),
    CheckConstraint("hours > 0 AND hours <= 100000", name="service_levels_are_up_to_years"),
    comment="How soon tasks should be done (SLA), rows that users insert; see the report service_level_tasks.",
)
