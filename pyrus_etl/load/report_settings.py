"""What users set for the reports, kept where the views can read it."""

import psycopg

from pyrus_etl.errors import SettingsError
from pyrus_etl.load.connection import Connection


def set_time_zone(connection: Connection, time_zone: str) -> None:
    """The reports cut days, weeks and hours in this time zone from now on; raises SettingsError for one unknown."""
    try:
        connection.execute("SELECT now() AT TIME ZONE %s", [time_zone])
    except psycopg.errors.InvalidParameterValue as error:
        raise SettingsError(
            f"PYRUS_ETL_TIME_ZONE: PostgreSQL knows no time zone {time_zone!r}; write a name such as Europe/Moscow."
        ) from error
    update = "UPDATE pyrus.report_settings SET time_zone = %s WHERE time_zone <> %s"
    connection.execute(update, [time_zone, time_zone])
