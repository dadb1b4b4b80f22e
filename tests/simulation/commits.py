"""What makes faults happen at a certain commit, and to connections."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from pyrus_etl.settings import Secret

LOCK = 77

HOOKS = f"""
    CREATE SCHEMA simulation;
    CREATE SEQUENCE simulation.commits;
    CREATE TABLE simulation.armed (number bigint PRIMARY KEY);
    CREATE FUNCTION simulation.about_to_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('simulation.commits') IN (SELECT number FROM simulation.armed) THEN
            PERFORM pg_advisory_lock({LOCK});
            PERFORM pg_advisory_unlock({LOCK});
        END IF;
        RETURN NULL;
    END $$;
""" + "".join(
    f"""
    CREATE CONSTRAINT TRIGGER simulation AFTER INSERT OR UPDATE OR DELETE ON pyrus.{table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION simulation.about_to_commit();
    """
    for table in ("sync_runs", "sync_cursors", "sync_windows", "sync_backfills")
)
"""Where a number is armed, the commit of that number waits inside PostgreSQL until the simulation lets it go on."""


class Commits:
    """Stops commits of a certain number inside PostgreSQL, and makes things happen there. Open it for one run."""

    def __init__(self, database: Secret) -> None:
        self._connection = psycopg.connect(database.reveal(), autocommit=True, application_name="simulation")
        self._connection.execute("SET lock_timeout = '1s'")
        self._at: list[Callable[[], None]] = []

    def close(self) -> None:
        self._connection.close()

    def arm(self, at: dict[int, list[Callable[[], None]]]) -> None:
        """Counts anew; what happens at the earlier numbers happens first."""
        self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.execute("TRUNCATE simulation.armed")
        self._connection.execute("SELECT setval('simulation.commits', 1, false)")
        self._at = [happens for _, group in sorted(at.items()) for happens in group]
        if at:
            self._connection.execute(f"SELECT pg_advisory_lock({LOCK})")
            self._connection.cursor().executemany(
                "INSERT INTO simulation.armed VALUES (%s)", [(number,) for number in at]
            )

    def look(self) -> None:
        """Where a commit waits, what is to happen happens, and it goes on."""
        waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        if not self._at or not self._connection.execute(waiting, [LOCK]).fetchall():
            return
        self._at.pop(0)()
        self._connection.execute(f"SELECT pg_advisory_unlock({LOCK})")
        if self._at:  # the commit that waited lets go of the lock at once
            self._connection.execute(f"SELECT pg_advisory_lock({LOCK})")

    def cut(self) -> None:
        """All connections of runs to the database are lost."""
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'pyrus-etl'"
        )

    def away(self, seconds: float) -> None:
        """The database is lost, and refuses connections for a while."""
        self._allow(False)
        self.cut()
        timer = threading.Timer(seconds, self._allow, [True])
        timer.daemon = True
        timer.start()

    def _allow(self, allowed: bool) -> None:
        with suppress(psycopg.Error):
            name = self._connection.info.dbname
            self._connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")

    def holds(self, pid: int) -> bool:
        """Whether that process has the lock."""
        holders = self._connection.execute("SELECT holder FROM pyrus.sync_leases WHERE expires_at > now()").fetchall()
        return any(f"process {pid} " in holder for (holder,) in holders)

    def lease_runs_out(self) -> None:
        """As if so many seconds had passed; but not that of a run that is in the middle of a transaction."""
        with suppress(psycopg.errors.LockNotAvailable):
            self._connection.execute("UPDATE pyrus.sync_leases SET expires_at = now() - interval '1s'")

    def settle(self) -> None:
        """Waits until what dead processes left behind is gone."""
        alone = (
            "SELECT count(*) = 0 FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'pyrus-etl'"
        )
        end = time.monotonic() + 10
        while self._connection.execute(alone).fetchone() == (False,) and time.monotonic() < end:
            time.sleep(0.01)
