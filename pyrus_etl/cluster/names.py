"""Names of workers: only one living worker has a name. Every function works inside the caller's transaction."""

from importlib.metadata import version
from typing import NamedTuple
from uuid import UUID

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import REVISION

SILENCE = "8 seconds"
"""How long after its last report a worker counts as dead."""

_TAKE = """
    INSERT INTO pyrus_cluster.workers AS worker (name, token, version, schema_revision, accounts)
    VALUES (%(name)s, %(token)s, %(version)s, %(revision)s, %(accounts)s)
    ON CONFLICT (name) DO UPDATE SET token = EXCLUDED.token, version = EXCLUDED.version,
        schema_revision = EXCLUDED.schema_revision, accounts = EXCLUDED.accounts,
        started_at = CASE WHEN worker.token = EXCLUDED.token THEN worker.started_at ELSE clock_timestamp() END,
        seen_at = clock_timestamp()
    WHERE worker.token = EXCLUDED.token OR worker.seen_at < clock_timestamp() - %(silence)s::interval
    RETURNING name
"""


class Worker(NamedTuple):
    """A worker as others see it. `token`: its process. `accounts`: how many it works on at once, at most."""

    name: str
    token: UUID
    accounts: int


def take(connection: Connection, worker: Worker) -> bool:
    """Takes the name, or takes it again; returns whether no other living worker has it."""
    parameters = {**worker._asdict(), "version": version("pyrus-etl"), "revision": REVISION, "silence": SILENCE}
    return connection.execute(_TAKE, parameters).fetchone() is not None


def show_alive(connection: Connection, worker: Worker) -> None:
    """Says that the worker is alive; forgets workers that died a day ago."""
    connection.execute(
        "UPDATE pyrus_cluster.workers SET seen_at = clock_timestamp() WHERE name = %s AND token = %s", worker[:2]
    )
    connection.execute("DELETE FROM pyrus_cluster.workers WHERE seen_at < clock_timestamp() - interval '1 day'")


def leave(connection: Connection, worker: Worker) -> None:
    """Gives the name back."""
    connection.execute("DELETE FROM pyrus_cluster.workers WHERE name = %s AND token = %s", worker[:2])
