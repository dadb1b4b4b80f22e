"""Deletions: stored tasks that no account sees any more. Every function works inside the caller's transaction."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from pyrus_etl.load.sharing.readers import hand_over, lock_tasks
from pyrus_etl.load.tasks.rejected import open_rejections, resolve_rejections
from pyrus_etl.postgres.connection import Connection

LEAST_ID = -(2**63)
IDS_AT_A_TIME = 10_000


IsListed = Callable[[int | None], bool]
"""Whether a census lists the tasks of a form, or with None those without a form."""


class AbsentTasks(NamedTuple):
    """Stored tasks that a census does not have; `late`: those that the lists may not show yet.

    `share`: of the absent tasks among those that it should have.
    """

    task_ids: list[int]
    share: float
    late: set[int]


def absentees(
    connection: Connection,
    account_id: int,
    census: Collection[int],
    is_listed: IsListed = lambda _: True,
    unread_lists: Collection[int] = (),
    shown: datetime | None = None,
) -> AbsentTasks:
    """The tasks that the account saw, or was refused, and that its census does not have.

    Tasks that no account has seen count too; those of forms and lists that the census could not read do not. The lists
    may not show tasks yet that were created after the instant `shown`.
    """
    stored, absent, late, known = 0, set[int](), set[int](), _watched(connection, account_id)
    for found in _seen(connection, account_id, unread_lists, shown):
        tasks = [(task_id, is_new) for task_id, form_id, is_new in found if is_listed(form_id)]
        stored += sum(not is_new for _, is_new in tasks)
        absent.update(task_id for task_id, _ in tasks if task_id not in census)
        late.update(task_id for task_id, is_new in tasks if is_new and task_id not in census)
    share = len(absent - known - late) / stored if stored else 0.0
    rejected = {task_id for task_id in open_rejections(connection, account_id) if task_id not in census}
    rejected -= _unread(connection, rejected, is_listed, unread_lists)
    return AbsentTasks(sorted(absent | rejected), share, late)


def _watched(connection: Connection, account_id: int) -> set[int]:
    """The tasks that are known to be in no list: that they are absent raises no doubt."""
    query = "SELECT task_id FROM pyrus.watched_tasks WHERE account_id = %s"
    return {task_id for (task_id,) in connection.execute(query, [account_id])}


def _unread(
    connection: Connection, task_ids: Collection[int], is_listed: IsListed, unread_lists: Collection[int]
) -> set[int]:
    """Those of the tasks that are of forms or lists that the census could not read."""
    query = """
        SELECT task_id, form_id, EXISTS (
            SELECT FROM pyrus.task_projects AS filed WHERE filed.task_id = task.task_id AND project_id = ANY(%s)
        ) FROM pyrus.tasks AS task WHERE task_id = ANY(%s)
    """
    found = connection.execute(query, [list(unread_lists), list(task_ids)])
    return {task_id for task_id, form_id, is_in_unread_list in found if is_in_unread_list or not is_listed(form_id)}


def _seen(
    connection: Connection, account_id: int, unread_lists: Collection[int], shown: datetime | None
) -> Iterator[list[tuple[int, int | None, bool]]]:
    """Stored tasks that the account or nobody saw, `IDS_AT_A_TIME` at a time: id, form, whether it is newer."""
    query = """
        SELECT task_id, form_id, coalesce(create_date > %s, false) FROM pyrus.tasks AS task
        LEFT JOIN LATERAL (
            SELECT bool_or(account_id = %s) AS is_mine FROM pyrus.task_sightings WHERE task_id = task.task_id
        ) AS sighting ON true
        WHERE deleted_at IS NULL AND task_id > %s AND coalesce(is_mine, true) AND NOT EXISTS (
            SELECT FROM pyrus.task_projects AS filed WHERE filed.task_id = task.task_id AND project_id = ANY(%s)
        ) ORDER BY task_id LIMIT %s
    """
    last = LEAST_ID
    while found := connection.execute(query, [shown, account_id, last, list(unread_lists), IDS_AT_A_TIME]).fetchall():
        yield found
        last = found[-1][0]


def mark_deleted(connection: Connection, account_id: int, gone: Collection[int], there: Collection[int]) -> int:
    """Records that tasks are `gone` for an account, and marks those as deleted that no other account sees.

    Their rows stay, and their rejections are resolved. Unmarks those that are `there`. Returns the number of newly
    marked ones.
    """
    deleted = connection.execute("SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL").fetchall()
    back, lost = [task_id for (task_id,) in deleted if task_id in there], list(gone)
    lock_tasks(connection, [*back, *lost])
    connection.execute("UPDATE pyrus.tasks SET deleted_at = NULL WHERE task_id = ANY(%s)", [back])
    hand_over(connection, account_id, lost)
    connection.execute(
        "DELETE FROM pyrus.task_sightings WHERE task_id = ANY(%s) AND account_id = %s", [lost, account_id]
    )
    marked = connection.execute(
        """
        UPDATE pyrus.tasks AS task SET deleted_at = now() WHERE task_id = ANY(%s) AND deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM pyrus.task_sightings AS sighting WHERE sighting.task_id = task.task_id)
        """,
        [lost],
    ).rowcount
    resolve_rejections(connection, account_id, lost)
    return marked
