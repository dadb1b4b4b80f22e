"""Rejected tasks, which users see as set aside (sync_errors).

Every function works inside the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from pyrus_etl.postgres.connection import Connection


class Rejected(NamedTuple):
    """A task that could not be fetched, read or stored, and why. `listed_date`: its date in the list, if it has one."""

    task_id: int
    stage: str
    error: str
    payload: str | None
    listed_date: datetime | None


def open_rejections(connection: Connection) -> dict[int, datetime | None]:
    """The tasks that are rejected now, by their ids, each with its date in the last list that had one."""
    found = connection.execute(
        "SELECT task_id, listed_date FROM pyrus.sync_errors WHERE resolved_at IS NULL ORDER BY task_id"
    )
    return dict(found.fetchall())


def reject(connection: Connection, tasks: Iterable[Rejected]) -> None:
    """Records that tasks are rejected, or that they failed once more."""
    connection.cursor().executemany(
        """
        INSERT INTO pyrus.sync_errors
            (task_id, stage, error, payload, listed_date, first_seen_at, last_seen_at, attempts)
        VALUES (%s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp(), 1)
        ON CONFLICT (task_id) WHERE resolved_at IS NULL DO UPDATE
        SET stage = EXCLUDED.stage, error = EXCLUDED.error, payload = EXCLUDED.payload,
            listed_date = greatest(EXCLUDED.listed_date, sync_errors.listed_date),
            last_seen_at = EXCLUDED.last_seen_at, attempts = sync_errors.attempts + 1
        """,
        list(tasks),
    )


def resolve_rejections(connection: Connection, task_ids: Sequence[int]) -> None:
    """Resolves the rejections of tasks that are loaded or deleted."""
    connection.execute(
        "UPDATE pyrus.sync_errors SET resolved_at = clock_timestamp() WHERE task_id = ANY(%s) AND resolved_at IS NULL",
        [list(task_ids)],
    )


def list_rejections(connection: Connection, *, resolved_too: bool) -> list[dict[str, Any]]:
    """The rejections without their bodies, latest first: the open ones, or with `resolved_too` all of them."""
    query = """
        SELECT task_id, stage, error, first_seen_at, last_seen_at, attempts, resolved_at
        FROM pyrus.sync_errors WHERE %s OR resolved_at IS NULL ORDER BY last_seen_at DESC, task_id
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [resolved_too]).fetchall()
