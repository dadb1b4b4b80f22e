"""The inbox as the last run saw it."""

from collections.abc import Sequence

from pyrus_etl.postgres.connection import Connection


def write_inbox(connection: Connection, account_id: int, task_ids: Sequence[int]) -> None:
    """Makes the stored inbox equal to the listed one; a task that keeps its place is not written."""
    told = {"account_id": account_id, "ids": list(task_ids)}
    connection.execute(
        "DELETE FROM pyrus.inbox_tasks WHERE account_id = %(account_id)s AND NOT task_id = ANY(%(ids)s)", told
    )
    connection.execute(
        """
        INSERT INTO pyrus.inbox_tasks (account_id, task_id, position, seen_at)
        SELECT %(account_id)s, told.task_id, told.position, now()
        FROM (
            SELECT task_id, min(position) AS position
            FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS listed (task_id, position) GROUP BY task_id
        ) AS told
        LEFT JOIN pyrus.inbox_tasks AS seen ON seen.account_id = %(account_id)s AND seen.task_id = told.task_id
        WHERE seen.position IS DISTINCT FROM told.position
        ON CONFLICT (account_id, task_id) DO UPDATE SET position = EXCLUDED.position, seen_at = EXCLUDED.seen_at
        """,
        told,
    )
