"""The inbox as the last run saw it."""

from collections.abc import Sequence

from pyrus_etl.postgres.connection import Connection


def write_inbox(connection: Connection, account_id: int, task_ids: Sequence[int]) -> None:
    """Makes the stored inbox equal to the listed one; a task that keeps its position is not written."""
    parameters = {"account_id": account_id, "ids": list(task_ids)}
    connection.execute(
        "DELETE FROM pyrus.inbox_tasks WHERE account_id = %(account_id)s AND NOT task_id = ANY(%(ids)s)", parameters
    )
    connection.execute(
        """
        INSERT INTO pyrus.inbox_tasks (account_id, task_id, position, seen_at)
        SELECT %(account_id)s, listed.task_id, listed.position, now()
        FROM (
            SELECT task_id, min(position) AS position
            FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS numbered (task_id, position) GROUP BY task_id
        ) AS listed
        LEFT JOIN pyrus.inbox_tasks AS seen ON seen.account_id = %(account_id)s AND seen.task_id = listed.task_id
        WHERE seen.position IS DISTINCT FROM listed.position
        ON CONFLICT (account_id, task_id) DO UPDATE SET position = EXCLUDED.position, seen_at = EXCLUDED.seen_at
        """,
        parameters,
    )
