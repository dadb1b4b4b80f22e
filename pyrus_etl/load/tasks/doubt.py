"""Tasks whose stored body is doubted. Every function works inside the caller's transaction."""

from datetime import datetime

from pyrus_etl.load.sharing.readers import LIVE
from pyrus_etl.postgres.connection import Connection


def doubted(connection: Connection, account_id: int) -> dict[int, datetime | None]:
    """The tasks that the account has to fetch again, each with its last date in any list; without deleted ones.

    It fetches those that it reads, and those that it sees and no other account reads any more.
    """
    query = f"""
        SELECT task_id, max(sighting.listed_date)
        FROM pyrus.raw_tasks JOIN pyrus.tasks USING (task_id) LEFT JOIN pyrus.task_sightings AS sighting USING (task_id)
        WHERE is_doubted AND deleted_at IS NULL
        GROUP BY task_id
        HAVING (count(account_id) = 0 OR bool_or(account_id = %(account_id)s))
            AND NOT coalesce(bool_or(is_reader AND account_id <> %(account_id)s AND account_id IN {LIVE}), false)
        ORDER BY task_id
    """  # noqa: S608 -- a constant
    return dict(connection.execute(query, {"account_id": account_id}).fetchall())
