"""Deletions: tasks that are stored but gone. Every function works inside the caller's transaction."""

from collections.abc import Collection

from pyrus_etl.load.connection import Connection
from pyrus_etl.load.set_aside import resolve_errors


def absentees(connection: Connection, census: Collection[int]) -> tuple[list[int], float]:
    """Tasks stored as present, or set aside, that are not in the census; and which share of the stored is absent."""
    found = connection.execute(
        """
        SELECT task_id FROM (
            SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NULL
            UNION SELECT task_id FROM pyrus.sync_errors WHERE resolved_at IS NULL
        ) AS known WHERE task_id <> ALL(%s::bigint[]) ORDER BY task_id
        """,
        [list(census)],
    ).fetchall()
    share = connection.execute(
        """
        SELECT coalesce(avg((task_id = ANY(%s::bigint[]))::int), 0)::float8 FROM pyrus.tasks WHERE deleted_at IS NULL
        """,
        [[task_id for (task_id,) in found]],
    ).fetchone()
    return [task_id for (task_id,) in found], share[0] if share else 0.0


def mark_deleted(connection: Connection, gone: Collection[int], there: Collection[int]) -> int:
    """Marks tasks as deleted and closes their errors, unmarks those that are there; returns how many are newly marked.

    Rows are kept.
    """
    connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s) AND deleted_at IS NOT NULL", [list(there)]
    )
    marked = connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = ANY(%s) AND deleted_at IS NULL", [list(gone)]
    ).rowcount
    resolve_errors(connection, list(gone))
    return marked
