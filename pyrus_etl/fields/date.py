"""Days, instants and times of day."""

from pyrus_etl.fields.family import Family

FAMILIES = (
    Family("day", ("Date", "DueDate"), "max(value_date) {only}", "to_char(value_date, 'YYYY-MM-DD')"),
    Family(
        "instant",
        ("DueDateTime", "ApprovalDate", "CreationDate"),
        "max(value_timestamp) {only}",
        "to_char(value_timestamp AT TIME ZONE (SELECT time_zone FROM pyrus_report.clock), 'YYYY-MM-DD HH24:MI')",
    ),
    Family("time", ("Time",), "max(value_time) {only}", "to_char(value_time, 'HH24:MI')"),
)
