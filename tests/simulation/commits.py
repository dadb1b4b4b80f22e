"""Faults of processes at a certain commit."""

import threading
from collections.abc import Callable, Collection

from pyrus_etl.settings import Secret
from tests.simulation.administrator import Administrator
from tests.simulation.connection import Connection

LOCK = 77

HOOKS = f"""
    CREATE SCHEMA simulation;
    CREATE SEQUENCE simulation.commits;
    CREATE TABLE simulation.armed (number bigint, what text);
    CREATE FUNCTION simulation.about_to_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE here bigint := nextval('simulation.commits');
    BEGIN
        IF EXISTS (SELECT FROM simulation.armed WHERE number = here AND what = 'wait') THEN
            PERFORM pg_advisory_lock({LOCK});
            PERFORM pg_advisory_unlock({LOCK});
        END IF;
        IF EXISTS (SELECT FROM simulation.armed WHERE number = here AND what = 'full') THEN
            RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device';
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
"""The commit with an armed number waits inside PostgreSQL until the simulation lets it continue, or fails because the
disk is full."""


class Commits(Administrator):
    """Stops commits with certain numbers inside PostgreSQL, and makes faults happen there."""

    def __init__(self, database: Secret) -> None:
        self._at: list[Callable[[], None]] = []
        super().__init__(database, self._locked)

    def _locked(self, connection: Connection) -> None:
        if self._at:
            connection.execute(f"SELECT pg_advisory_lock({LOCK})")

    def arm(self, at: dict[int, list[Callable[[], None]]], full: Collection[int] = ()) -> None:
        """Starts counting again. Faults at lower numbers happen first. `full`: commits that find the disk full."""
        self._at = []
        self._disarm()
        self.database.execute("SELECT setval('simulation.commits', 1, false)")
        self._at = [happens for _, group in sorted(at.items()) for happens in group]
        if self._at:
            self.database.execute(f"SELECT pg_advisory_lock({LOCK})")
        for what, numbers in (("wait", at.keys()), ("full", full)):
            self.database.execute("INSERT INTO simulation.armed SELECT unnest(%s::bigint[]), %s", [[*numbers], what])

    def look(self) -> None:
        """If a commit is waiting, makes its fault happen and lets it continue."""
        waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        if not self._at or not self.database.execute(waiting, [LOCK]):
            return
        self._at.pop(0)()
        self.database.execute("SELECT pg_advisory_unlock_all()")
        if self._at:  # the commit that waited releases the lock at once
            self.database.execute(f"SELECT pg_advisory_lock({LOCK})")

    def found_no_room(self) -> int:
        """The number of commits that failed because the disk was full."""
        ((number,),) = self.database.execute(
            "SELECT count(*) FROM simulation.armed, simulation.commits "
            "WHERE what = 'full' AND is_called AND number <= last_value"
        )
        return int(number)

    def away(self, seconds: float) -> None:
        """Terminates all connections, and refuses new ones for a while."""
        self.allow(False)
        self.cut()
        timer = threading.Timer(seconds, self.allow, [True])
        timer.daemon = True
        timer.start()

    def our_clock_passes(self, seconds: float) -> None:
        """Moves our clock with the world's, by changing the difference that the runs stored."""
        self._disarm()
        self.database.execute("UPDATE pyrus.sync_runs SET server_ahead_seconds = server_ahead_seconds + %s", [seconds])

    def _disarm(self) -> None:
        """Lets every commit pass, also one of a killed run that waits in the database."""
        self.database.execute("SELECT pg_advisory_unlock_all()")
        self.database.execute("DELETE FROM simulation.armed")
