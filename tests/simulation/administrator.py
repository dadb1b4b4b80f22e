"""The administrator of the database: cuts connections, refuses new ones, and looks at the lock."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import psycopg

from pyrus_etl.settings import Secret
from tests.simulation.connection import Connection, Steady

OURS = "datname = current_database() AND application_name = 'pyrus-etl'"


class Administrator:
    """Has a connection of its own, which is reopened after a restart; `opened` is called with each new one."""

    def __init__(self, database: Secret, opened: Callable[[Connection], object] = lambda _: None) -> None:
        self._opened = opened
        self.database = Steady(database, "simulation", self._prepared)

    def close(self) -> None:
        self.database.close()

    def _prepared(self, connection: Connection) -> None:
        connection.execute("SET lock_timeout = '1s'")
        self._opened(connection)

    def cut(self) -> None:
        """Terminates all connections of runs to the database."""
        self.database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")

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
