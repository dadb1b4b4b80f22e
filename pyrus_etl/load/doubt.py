"""Tasks whose stored body is doubted. Every function works inside the caller's transaction."""

from datetime import datetime

from pyrus_etl.postgres.connection import Connection


def doubted(connection: Connection) -> dict[int, datetime | None]:
    """The tasks to ask for again, each with the date that it was last listed under; not those that are gone."""
    found = connection.execute(
        """
        SELECT task_id, listed_date FROM pyrus.raw_tasks JOIN pyrus.tasks USING (task_id)
        WHERE is_doubted AND deleted_at IS NULL ORDER BY task_id
        """
    )
    return dict(found.fetchall())
