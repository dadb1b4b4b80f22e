"""Watches the stored bodies: that of a task never becomes one that was served earlier.

Only the lease and the claims see to that if a process freezes with a body in its hand, and another one stores a newer.
"""

from tests.simulation.administrator import Administrator
from tests.simulation.invariants import require

WATCHED = """
    CREATE TABLE simulation.newest (task_id bigint PRIMARY KEY, served_at timestamptz, digest text);
    CREATE TABLE simulation.gone_back (task_id bigint, served_at timestamptz, after timestamptz);
    CREATE FUNCTION simulation.body_stored() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO simulation.gone_back
            SELECT task_id, NEW.served_at, newest.served_at FROM simulation.newest
            WHERE task_id = NEW.task_id AND newest.served_at > NEW.served_at AND digest <> NEW.payload_sha256;
        INSERT INTO simulation.newest VALUES (NEW.task_id, NEW.served_at, NEW.payload_sha256)
            ON CONFLICT (task_id) DO UPDATE SET served_at = EXCLUDED.served_at, digest = EXCLUDED.digest;
        RETURN NULL;
    END $$;
    CREATE TRIGGER simulation AFTER INSERT OR UPDATE ON pyrus.raw_tasks
    FOR EACH ROW EXECUTE FUNCTION simulation.body_stored();
"""
"""Comes after `administrator.CLOCK`."""


def check_bodies(administrator: Administrator) -> None:
    found = administrator.database.execute("TABLE simulation.gone_back")
    require(not found, f"older bodies were stored over newer ones: {found}")
