"""What users set for the reports, kept where the views can read it."""

import psycopg

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection

_SET = """
    INSERT INTO pyrus.report_settings AS kept (time_zone) VALUES (%s)
    ON CONFLICT (only_row) DO UPDATE SET time_zone = EXCLUDED.time_zone WHERE kept.time_zone <> EXCLUDED.time_zone
"""


def set_time_zone(connection: Connection, time_zone: str) -> None:
    """The reports cut days, weeks and hours in this time zone from now on; raises SettingsError for one unknown.

    Names only: PostgreSQL would take `UTC+3` too, and read it as three hours west of Greenwich.
    """
    query = "SELECT name FROM pg_timezone_names WHERE lower(name) = lower(%s)"
    known = connection.execute(query, [time_zone.strip()]).fetchone()
    if known is None:
        raise SettingsError(
            f"PYRUS_ETL_TIME_ZONE: PostgreSQL knows no time zone {time_zone!r}; write a name such as Europe/Moscow."
        )
    connection.execute(_SET, [known[0]])


def require_time_zone(connection: Connection) -> None:
    """Raises SettingsError if the server does not know the time zone of the reports, as after an upgrade of it.

    Raises DatabaseUnavailable if there is none at all.
    """
    found = connection.execute("SELECT time_zone FROM pyrus_report.clock").fetchone()
    if found is None:
        raise DatabaseUnavailable(
            "pyrus.report_settings has no row, so the reports have none; pyrus-etl db upgrade makes it again."
        )
    (time_zone,) = found
    try:
        with connection.transaction():
            connection.execute("SELECT now() AT TIME ZONE %s::text", [time_zone])
    except psycopg.errors.InvalidParameterValue as error:
        raise SettingsError(
            f"The time zone of the reports, {time_zone!r}, is not known to the database server; set another: "
            "PYRUS_ETL_TIME_ZONE=Europe/Moscow pyrus-etl reports refresh."
        ) from error
