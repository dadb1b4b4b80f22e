"""The tables of the queue, which are Procrastinate's: made if they are missing or lost, and counted."""

import hashlib
from functools import cache
from typing import Any, LiteralString

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection

_TABLE = "procrastinate_jobs"
_TABLES = (_TABLE, "procrastinate_workers", "procrastinate_events", "procrastinate_periodic_defers")
_LOCK = 5_791_204_714


def counts(connection: Connection) -> list[dict[str, Any]]:
    """How many jobs of each kind wait or are under way; none if the queue is lost."""
    if not _exists(connection):
        return []
    query = """
        SELECT task_name, status::text, count(*) FROM procrastinate_jobs
        WHERE status IN ('todo', 'doing') GROUP BY 1, 2 ORDER BY 1, 2
    """
    words = {"todo": "waiting", "doing": "running"}
    return [{"kind": kind, "status": words[status], "jobs": jobs} for kind, status, jobs in connection.execute(query)]


def prepare(connection: Connection) -> bool:
    """Makes the tables of the queue if they are missing, or of another version: no job in them is needed.

    Works inside the caller's transaction; returns whether it made them.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if _exists(connection) and _version(connection) == _known_version():
        return False
    connection.execute(_DROP)
    connection.execute(_schema().encode())
    connection.execute(f"COMMENT ON TABLE {_TABLE} IS '{_known_version()}'".encode())
    return True


def require(connection: Connection) -> bool:
    """Makes the tables if they are lost; raises DatabaseUnavailable if they are of another version."""
    if _exists(connection) and _version(connection) != _known_version():
        raise DatabaseUnavailable(
            "The queue was made by another version of Procrastinate; install that one here too, or stop all workers "
            "and run pyrus-etl cluster init, which makes an empty queue."
        )
    return prepare(connection)


def _schema() -> LiteralString:
    from procrastinate.schema import SchemaManager  # not before it is needed: help and `cluster status` do without

    return SchemaManager.get_schema()


@cache
def _known_version() -> str:
    """Which tables this Procrastinate has: the comment of one of them."""
    return f"pyrus-etl: {hashlib.sha256(_schema().encode()).hexdigest()[:16]}"


_DROP = b"""
    DO $$ DECLARE each record; BEGIN
        FOR each IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace = current_schema::regnamespace
            AND relkind = 'r' AND relname LIKE 'procrastinate\\_%'
        LOOP EXECUTE format('DROP TABLE %s CASCADE', each.name); END LOOP;
        FOR each IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = current_schema::regnamespace
            AND proname LIKE 'procrastinate\\_%'
        LOOP EXECUTE format('DROP FUNCTION %s CASCADE', each.name); END LOOP;
        FOR each IN SELECT oid::regtype AS name FROM pg_type WHERE typnamespace = current_schema::regnamespace
            AND typtype IN ('e', 'c') AND typname LIKE 'procrastinate\\_%'
        LOOP EXECUTE format('DROP TYPE %s CASCADE', each.name); END LOOP;
    END $$
"""


def _exists(connection: Connection) -> bool:
    """Whether all tables of the queue are there."""
    query = "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s::text[]) AS name"
    ((found,),) = connection.execute(query, [list(_TABLES)]).fetchall()
    return bool(found)


def _version(connection: Connection) -> str | None:
    found = connection.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [_TABLE]).fetchone()
    return found[0] if found else None
