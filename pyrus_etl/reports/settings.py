"""Settings of the reports, stored in a table so that the views can read them."""

import psycopg

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection

_SET = """
    INSERT INTO pyrus.report_settings AS kept (time_zone) VALUES (%s)
    ON CONFLICT (only_row) DO UPDATE SET time_zone = EXCLUDED.time_zone WHERE kept.time_zone <> EXCLUDED.time_zone
"""


def set_time_zone(connection: Connection, time_zone: str) -> None:
    """Sets the time zone in which the reports count days, weeks and hours; raises SettingsError if it is unknown.

    Only names are allowed, because PostgreSQL reads `UTC+3` as three hours west of Greenwich.
    https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-TIMEZONES
    """
    query = "SELECT name FROM pg_timezone_names WHERE lower(name) = lower(%s)"
    known = connection.execute(query, [time_zone.strip()]).fetchone()
    if known is None:
        raise SettingsError(
            f"PYRUS_ETL_TIME_ZONE: PostgreSQL does not know the time zone {time_zone!r}; write a name such as "
            "Europe/Moscow."
        )
    connection.execute(_SET, [known[0]])


def require_time_zone(connection: Connection) -> None:
    """Raises SettingsError if the server no longer knows the time zone of the reports, e.g. after its upgrade.

    Raises DatabaseUnavailable if no time zone is stored.
    """
    found = connection.execute("SELECT time_zone FROM pyrus_report.clock").fetchone()
    if found is None:
        raise DatabaseUnavailable(
            "pyrus.report_settings has no row, so no report returns any; run pyrus-etl db upgrade, which adds it."
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
