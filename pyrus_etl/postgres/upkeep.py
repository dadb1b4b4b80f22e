"""The work of autovacuum on changed tables, when autovacuum would come too late or never.

The reports need statistics: without them, some take a minute instead of two seconds on 100,000 tasks. Autovacuum
gathers them within a minute or two, but never in the embedded server, which stops with the command. The thresholds are
autovacuum's own: https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM.
"""

import logging
from contextlib import suppress
from typing import LiteralString

import psycopg
from psycopg import sql

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import SCHEMA

log = logging.getLogger(__name__)

_TABLES: LiteralString = """
    SELECT pg_class.relname FROM pg_stat_all_tables JOIN pg_class ON pg_class.oid = relid
    WHERE schemaname = %s AND {} ORDER BY 1
"""
# Every transaction changes the lease, and no query plan needs statistics of its one row.
_CHANGED = _TABLES.format(
    "n_mod_since_analyze > 50 + 0.1 * greatest(reltuples, 0) AND pg_class.relname <> 'sync_leases'"
)
_DEAD = _TABLES.format("n_dead_tup > 1000 + 0.2 * greatest(reltuples, 0)")


def flush_statistics(connection: Connection) -> None:
    """Makes PostgreSQL count the changes of this session at once, not some seconds later."""
    connection.execute("SELECT pg_stat_force_next_flush()")


def outdated(connection: Connection) -> list[str]:
    """The tables in which more than a tenth of the rows changed since their statistics were gathered."""
    return _found(connection, _CHANGED)


def analyze(connection: Connection, table: str) -> None:
    """Gathers the statistics of a table, unless another session has locked it; safe to repeat."""
    log.debug("gathering statistics of %s", table)
    connection.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(sql.Identifier(SCHEMA, table)))


def vacuum(connection: Connection) -> None:
    """Removes dead rows from tables in which they are more than a fifth; leaves a table that takes over ten seconds."""
    connection.execute("SET statement_timeout = '10s'")
    for table in _found(connection, _DEAD):
        log.info("removing dead rows from %s", table)
        with suppress(psycopg.errors.QueryCanceled):
            connection.execute(sql.SQL("VACUUM (ANALYZE, SKIP_LOCKED) {}").format(sql.Identifier(SCHEMA, table)))


def _found(connection: Connection, query: LiteralString) -> list[str]:
    return [name for (name,) in connection.execute(query, [SCHEMA])]
