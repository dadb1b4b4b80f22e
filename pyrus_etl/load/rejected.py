"""Tasks that were set aside, as kept in sync_errors. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from pyrus_etl.postgres.connection import Connection


class Rejected(NamedTuple):
    """A task that could not be had, read or stored, and why; `listed_date`: what a list showed, if one did."""

    task_id: int
    stage: str
    error: str
    payload: str | None
    listed_date: datetime | None


def open_rejections(connection: Connection) -> dict[int, datetime | None]:
    """The tasks that are set aside now, by their ids, each with the date that it was last listed under."""
    found = connection.execute(
        "SELECT task_id, listed_date FROM pyrus.sync_errors WHERE resolved_at IS NULL ORDER BY task_id"
    )
    return dict(found.fetchall())


def reject(connection: Connection, tasks: Iterable[Rejected]) -> None:
    """Sets tasks aside, or notes that they failed once more."""
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
    """Closes the errors of tasks that have loaded."""
    connection.execute(
        "UPDATE pyrus.sync_errors SET resolved_at = clock_timestamp() WHERE task_id = ANY(%s) AND resolved_at IS NULL",
        [list(task_ids)],
    )


def list_rejections(connection: Connection, *, resolved_too: bool) -> list[dict[str, Any]]:
    """The tasks that are set aside, without their bodies, the last first."""
    query = """
        SELECT task_id, stage, error, first_seen_at, last_seen_at, attempts, resolved_at
        FROM pyrus.sync_errors WHERE %s OR resolved_at IS NULL ORDER BY last_seen_at DESC, task_id
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [resolved_too]).fetchall()
