"""Working hours, holidays, the periods computed from them, and service levels.

Revision 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "working_hours",
        sa.Column("weekday", sa.Integer, nullable=False, autoincrement=False, comment="1 for Monday to 7 for Sunday."),
        sa.Column("starts", sa.Time, nullable=False, comment="When work starts, in the time zone of the reports."),
        sa.Column(
            "ends",
            sa.Time,
            nullable=False,
            comment="When it ends; on the next day if this is not after the start. 24:00 is midnight.",
        ),
        sa.PrimaryKeyConstraint("weekday", "starts", name="pk_working_hours"),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name="working_hours_are_of_a_weekday"),
        schema="pyrus",
        comment="Working hours, rows that users insert; a day with a break has two. While there are none, every hour counts. Changes take effect at the next pyrus-etl reports refresh.",
    )
    op.create_table(
        "holidays",
        sa.Column("day", sa.Date, nullable=False, comment="The day, in the time zone of the reports."),
        sa.Column("name", sa.Text, comment="Its name; only for you."),
        sa.Column("starts", sa.Time, comment="When work starts on this day; null if nobody works."),
        sa.Column("ends", sa.Time, comment="When it ends, as in working_hours."),
        sa.PrimaryKeyConstraint("day", name="pk_holidays"),
        sa.CheckConstraint("(starts IS NULL) = (ends IS NULL)", name="holidays_have_both_hours_or_none"),
        schema="pyrus",
        comment="Days with other hours than their weekday, rows that users insert: holidays, short days, and weekends on which people work. Changes take effect at the next pyrus-etl reports refresh.",
    )
    op.create_table(
        "working_periods",
        sa.Column("starts_at", TIMESTAMP, nullable=False, comment="When the period starts."),
        sa.Column("ends_at", TIMESTAMP, nullable=False, comment="When it ends; infinity if every hour counts."),
        sa.Column(
            "worked_before", sa.Numeric, nullable=False, comment="Seconds worked in all periods before this one."
        ),
        sa.PrimaryKeyConstraint("starts_at", name="pk_working_periods"),
        schema="pyrus",
        comment="The periods in which people work, from 2000 to 2099, which pyrus-etl reports refresh computes from working_hours and holidays.",
    )
    op.create_index("ix_working_periods_worked_before", "working_periods", ["worked_before"], schema="pyrus")
    op.create_table(
        "service_levels",
        sa.Column("form_id", sa.BigInteger, nullable=False, autoincrement=False, comment="Id of the form."),
        sa.Column(
            "step_no",
            sa.Integer,
            nullable=False,
            autoincrement=False,
            server_default=sa.text("0"),
            comment="Number of the step in the form; 0 for the whole task.",
        ),
        sa.Column(
            "hours", sa.Numeric, nullable=False, comment="Working hours that a task may take, or stay in the step."
        ),
        sa.PrimaryKeyConstraint("form_id", "step_no", name="pk_service_levels"),
        sa.CheckConstraint("hours > 0 AND hours <= 100000", name="service_levels_are_up_to_years"),
        schema="pyrus",
        comment="How soon tasks should be done (SLA), rows that users insert; see the report service_level_tasks.",
    )


def downgrade() -> None:
    for table in ("service_levels", "working_periods", "holidays", "working_hours"):
        op.drop_table(table, schema="pyrus")
