"""Deletions: stored tasks that Pyrus no longer has. Every function works inside the caller's transaction."""

from collections.abc import Collection, Iterator

from pyrus_etl.load.rejected import open_rejections, resolve_rejections
from pyrus_etl.postgres.connection import Connection

LEAST_ID = -(2**63)
IDS_AT_A_TIME = 10_000


def absentees(connection: Connection, census: Collection[int]) -> tuple[list[int], float]:
    """The tasks stored as present, or rejected, that are not in the census; and the absent share of the stored ones."""
    stored, absent = 0, []
    for task_ids in _present(connection):
        stored += len(task_ids)
        absent += [task_id for task_id in task_ids if task_id not in census]
    share = len(absent) / stored if stored else 0.0
    rejected = [task_id for task_id in open_rejections(connection) if task_id not in census]
    return sorted({*absent, *rejected}), share


def _present(connection: Connection) -> Iterator[list[int]]:
    """The ids of the tasks that are stored as present, `IDS_AT_A_TIME` at a time."""
    query = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NULL AND task_id > %s ORDER BY task_id LIMIT %s"
    last = LEAST_ID
    while found := connection.execute(query, [last, IDS_AT_A_TIME]).fetchall():
        yield [task_id for (task_id,) in found]
        (last,) = found[-1]


def mark_deleted(connection: Connection, gone: Collection[int], there: Collection[int]) -> int:
    """Marks `gone` tasks as deleted and resolves their rejections, and unmarks those that are `there`.

    Returns the number of newly marked ones. Their rows stay.
    """
    deleted = connection.execute("SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL").fetchall()
    back = [task_id for (task_id,) in deleted if task_id in there]
    connection.execute("UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s)", [back])
    marked = connection.execute(
        "UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = ANY(%s) AND deleted_at IS NULL", [list(gone)]
    ).rowcount
    resolve_rejections(connection, list(gone))
    return marked
