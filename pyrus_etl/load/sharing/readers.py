"""Who reads a task that several accounts see: the account whose body is stored, as long as it keeps running.

Accounts need not see the same body, so one of them is the task's reader and fetches it when it changes. Another account
takes over if the reader is refused, no longer sees the task, or has completed no run for `LONGEST_SILENCE`.
"""

from collections.abc import Collection
from typing import LiteralString

from pyrus_etl.postgres.connection import Connection

LONGEST_SILENCE: LiteralString = "interval '2 days'"

LIVE: LiteralString = f"""(
    SELECT account_id FROM pyrus.sync_cursors
    WHERE stream = 'tasks' AND updated_at > clock_timestamp() - {LONGEST_SILENCE}
    UNION SELECT account_id FROM pyrus.sync_leases WHERE expires_at > clock_timestamp()
)"""  # noqa: S608 -- a constant
"""The accounts that completed a run not long ago, or are running now."""


def lock_tasks(connection: Connection, task_ids: Collection[int]) -> None:
    """Locks stored tasks until the end of the transaction. Everybody locks by id, so nobody waits in a circle."""
    query = "SELECT FROM pyrus.tasks WHERE task_id = ANY(%s) ORDER BY task_id FOR NO KEY UPDATE"
    if task_ids:
        connection.execute(query, [list(task_ids)])


def hand_over(connection: Connection, account_id: int, task_ids: Collection[int]) -> None:
    """Leaves tasks that this account cannot read to the others that see them, who fetch them in their next runs.

    A task that nobody else sees keeps its reader.
    """
    if not task_ids:
        return
    lock_tasks(connection, task_ids)
    query = """
        UPDATE pyrus.task_sightings AS mine SET is_reader = false
        WHERE task_id = ANY(%(task_ids)s) AND account_id = %(account_id)s AND is_reader AND EXISTS (
            SELECT FROM pyrus.task_sightings AS other
            WHERE other.task_id = mine.task_id AND other.account_id <> mine.account_id
        ) RETURNING task_id
    """
    left = connection.execute(query, {"task_ids": list(task_ids), "account_id": account_id})
    doubt(connection, [task_id for (task_id,) in left])


def doubt(connection: Connection, task_ids: Collection[int]) -> None:
    """Marks stored bodies, so that the next run of the tasks' readers fetches them again."""
    query = "UPDATE pyrus.raw_tasks SET is_doubted = true WHERE task_id = ANY(%s) AND NOT is_doubted"
    if task_ids:
        connection.execute(query, [list(task_ids)])
