"""Contents that a run may have stored below a target and has not recorded yet. The table sync_arrivals.

A kill between storing and recording leaves them; only these rows show that they are ours. Every function works inside
the caller's transaction, and is safe to repeat.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from pyrus_etl.postgres.connection import Connection


def announce(connection: Connection, run_id: UUID, target: str, paths: Sequence[str]) -> None:
    """Notes what a run is about to store; `paths` below the target, as in `files.store`."""
    query = """
        INSERT INTO pyrus.sync_arrivals (run_id, target, path) SELECT %s, %s, unnest(%s::text[]) ON CONFLICT DO NOTHING
    """
    connection.execute(query, [run_id, target, list(paths)])


def forget(connection: Connection, run_id: UUID, paths: Sequence[str]) -> None:
    """Forgets what is recorded, or not stored after all."""
    connection.execute("DELETE FROM pyrus.sync_arrivals WHERE run_id = %s AND path = ANY(%s)", [run_id, list(paths)])


def forget_rest(connection: Connection, run_id: UUID, begun: Collection[str]) -> None:
    """Forgets what a run that ends never began to store."""
    connection.execute(
        "DELETE FROM pyrus.sync_arrivals WHERE run_id = %s AND path <> ALL(%s::text[])", [run_id, list(begun)]
    )


def unrecorded(connection: Connection, target: str) -> list[str]:
    """What was announced for a target, by whichever run."""
    query = "SELECT DISTINCT path FROM pyrus.sync_arrivals WHERE target = %s ORDER BY path"
    return [path for (path,) in connection.execute(query, [target])]


def recorded(connection: Connection, uris: Sequence[str]) -> set[str]:
    """Those of the URLs at which contents are recorded, whatever became of them since."""
    query = """
        SELECT stored_uri FROM pyrus.attachment_contents WHERE stored_uri = ANY(%(uris)s)
        UNION ALL SELECT stored_uri FROM pyrus.service_file_contents WHERE stored_uri = ANY(%(uris)s)
    """
    return {uri for (uri,) in connection.execute(query, {"uris": list(uris)})}


def forget_all(connection: Connection, target: str) -> None:
    """Forgets what was announced for a target."""
    connection.execute("DELETE FROM pyrus.sync_arrivals WHERE target = %s", [target])
