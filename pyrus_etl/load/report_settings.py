"""What users set for the reports, kept where the views can read it."""

from pyrus_etl.errors import SettingsError
from pyrus_etl.load.connection import Connection


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
    update = "UPDATE pyrus.report_settings SET time_zone = %s WHERE time_zone <> %s"
    connection.execute(update, [known[0], known[0]])
