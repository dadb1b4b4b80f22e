"""The administrator of the database: cuts connections, refuses new ones, and looks at the lock."""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep  # the real ones, because `passing` replaces them
from uuid import UUID

import psycopg

from pyrus_etl.settings import Secret
from tests.simulation.connection import Connection, Steady
from tests.simulation.passing import BEGINNING, Time

CLOCK = """
    CREATE SCHEMA simulation;
    CREATE SEQUENCE simulation.clock MINVALUE 0;
""" + "".join(
    f"""
    ALTER FUNCTION pg_catalog.{name}() RENAME TO {name}_of_this_machine;
    CREATE FUNCTION pg_catalog.{name}() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        RETURN (SELECT to_timestamp(last_value / 1e6) FROM simulation.clock);
    END $$;
    """
    for name in ("clock_timestamp", "now")
)
"""Makes the database use the clock of the history. The product only uses functions of pg_catalog."""

SINCE_1970 = 1_800_000_000
OURS = "datname = current_database() AND application_name = 'pyrus-etl'"


class Administrator:
    """Has a connection of its own, which is reopened after a restart; `opened` is called with each new one."""

    def __init__(self, database: Secret, opened: Callable[[Connection], object] = lambda _: None) -> None:
        self._opened = opened
        self._shown = 0
        self.database = Steady(database, "simulation", self._prepared)

    def close(self) -> None:
        self.database.close()

    def _prepared(self, connection: Connection) -> None:
        connection.execute("SET lock_timeout = '1s'")
        self._opened(connection)

    def show_time(self, clock: Time) -> None:
        """Shows the clock of the history to the database, which has `CLOCK`."""
        now = round((SINCE_1970 + clock.now() - BEGINNING) * 1e6)
        if now != self._shown:
            self._shown = now
            self.database.execute("SELECT setval('simulation.clock', %s)", [now])

    def cut(self) -> None:
        """Terminates all connections of runs to the database."""
        self.database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")

    def end(self, backend: int) -> None:
        """Terminates the session of a backend, and waits until the server has ended it."""
        self.database.execute("SELECT pg_terminate_backend(%s, 10000)", [backend])

    def settle(self) -> None:
        """Waits until the server has noticed that the connections of runs are gone, and their locks with them."""
        end = monotonic() + 10
        while self.database.execute(f"SELECT pid FROM pg_stat_activity WHERE {OURS}") and monotonic() < end:
            sleep(0.002)

    def allow(self, allowed: bool) -> None:
        """Allows or refuses new connections."""
        with suppress(psycopg.Error):

            def allow(connection: Connection) -> None:
                connection.execute(f"ALTER DATABASE {connection.info.dbname} ALLOW_CONNECTIONS {allowed}".encode())

            self.database.do(allow)

    def holder(self) -> tuple[str, UUID] | None:
        """The holder of the lock and its run, if the lease has not expired."""
        found = self.database.execute(
            "SELECT holder, run_id FROM pyrus.sync_leases WHERE expires_at > clock_timestamp()"
        )
        return found[0] if found else None

    def lease_runs_out(self) -> None:
        """Makes leases expire, except that of a run in the middle of a transaction."""
        with suppress(psycopg.errors.LockNotAvailable):
            self.database.execute("UPDATE pyrus.sync_leases SET expires_at = clock_timestamp() - interval '1s'")
