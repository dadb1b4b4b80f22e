"""Working hours and holidays → the periods in which people work, as instants, so that changes of the clock count.

Each period has the seconds worked before it. So the seconds worked between two instants are a difference of two
look-ups, however far they are apart.
"""

from pathlib import Path

from pyrus_etl.postgres.connection import Connection

_FILL = Path(__file__).with_suffix(".sql")


def compute(connection: Connection) -> None:
    """Brings pyrus.working_periods up to date; writes only what has changed.

    Without working hours and holidays, a single period without an end is the clock.
    """
    connection.execute(_FILL.read_bytes())
