"""Tasks whose stored body is doubted. Every function works inside the caller's transaction."""

from datetime import datetime

from pyrus_etl.postgres.connection import Connection


def doubted(connection: Connection) -> dict[int, datetime | None]:
    """The tasks to fetch again, each with its date in the last list that had it; without deleted ones."""
    found = connection.execute(
        """
        SELECT task_id, listed_date FROM pyrus.raw_tasks JOIN pyrus.tasks USING (task_id)
        WHERE is_doubted AND deleted_at IS NULL ORDER BY task_id
        """
    )
    return dict(found.fetchall())
