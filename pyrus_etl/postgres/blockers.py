"""Names the holder of a lock that we could not get, as far as our role may see it."""

import re
from typing import Any

import psycopg

from pyrus_etl.schema.metadata import REPORT_SCHEMA, SCHEMA

_HOLDERS = """
    SELECT nspname || '.' || relname, holder.pid, usename, application_name, xact_start, query
    FROM pg_locks AS held
    JOIN pg_class ON pg_class.oid = held.relation JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_stat_activity AS holder ON holder.pid = held.pid
    WHERE granted AND held.pid <> pg_backend_pid() AND nspname = ANY (%s)
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY nspname || '.' || relname IS DISTINCT FROM %s, xact_start NULLS LAST LIMIT 1
"""
_RELATION = re.compile(rf'"?\b({REPORT_SCHEMA}|{SCHEMA})"?\."?(\w+)')
_LONGEST_QUERY = 60


def blocker_of(connection: psycopg.Connection[Any], statement: str) -> str | None:
    """A sentence: the locked relation, the holder of its lock, and what to do. None if no lock is held any more."""
    wanted = _RELATION.search(statement)
    parameters = [[SCHEMA, REPORT_SCHEMA], ".".join(wanted.groups()) if wanted else None]
    found = connection.execute(_HOLDERS, parameters).fetchone()
    if found is None:
        return None
    relation, pid, user, application, since, query = found
    details = [
        f"user {user}",
        *([application] if application else []),
        *([f"in a transaction since {since:%Y-%m-%d %H:%M:%S %Z}"] if since else []),
        *([f"last statement: {_beginning(query)}"] if since and query else []),  # only some roles see it
    ]
    return (
        f"{relation} is locked by process {pid} ({', '.join(details)}); wait until it ends, or end it with "
        f"SELECT pg_terminate_backend({pid}), then run this again."
    )


def _beginning(query: str) -> str:
    line = " ".join(query.split())
    return line if len(line) <= _LONGEST_QUERY else f"{line[:_LONGEST_QUERY]}…"
