"""Tasks that no list shows, but that a stored task refers to or that were met once: each is fetched once a day.

Every function works inside the caller's transaction and is safe to repeat.
"""

from collections.abc import Collection
from typing import LiteralString

from pyrus_etl.model.stream import FORMS, LISTS
from pyrus_etl.postgres.connection import Connection

ASKED_EVERY = "1 day"

_SINCE: LiteralString = """since AS (
    SELECT coalesce(max(started_at) - interval '1 hour', '-infinity') AS instant FROM pyrus.sync_runs
    WHERE account_id = %(account_id)s AND status = 'ok' AND kind IN ('backfill', 'sync', 'reconcile')
)"""
"""Before the start of the last complete run; the clocks of the program and of the database may differ."""


def watch_references(connection: Connection, account_id: int) -> None:
    """Watches the tasks to which tasks refer that were written since the last complete run, if they are not stored."""
    connection.execute(
        f"""
        WITH {_SINCE}, written AS (
            SELECT task_id, parent_task_id FROM pyrus.tasks WHERE synced_at > (SELECT instant FROM since)
        ), referred (task_id) AS (
            SELECT parent_task_id FROM written
            UNION SELECT linked_task_id FROM pyrus.task_links JOIN written USING (task_id)
            UNION SELECT item_id FROM pyrus.form_value_items JOIN written USING (task_id) WHERE kind = 'task'
        )
        INSERT INTO pyrus.watched_tasks (task_id, account_id) SELECT task_id, %(account_id)s FROM referred
        WHERE task_id IS NOT NULL AND NOT EXISTS (SELECT FROM pyrus.tasks AS task WHERE task.task_id = referred.task_id)
        ORDER BY task_id ON CONFLICT DO NOTHING
        """,  # noqa: S608 -- a constant
        {"account_id": account_id},
    )


def watch_met(connection: Connection, account_id: int) -> None:
    """Watches the tasks that are in no form or list of the account: those written since the last complete run."""
    connection.execute(
        f"""
        WITH {_SINCE}, feeds AS (
            SELECT stream, thing_id FROM pyrus.directory_sightings
            WHERE account_id = %(account_id)s AND gone_at IS NULL AND (refused_at IS NULL OR stream <> %(forms)s)
        )
        INSERT INTO pyrus.watched_tasks (task_id, account_id, asked_at)
        SELECT task_id, account_id, detail_at FROM pyrus.tasks AS task JOIN pyrus.task_sightings USING (task_id)
        WHERE account_id = %(account_id)s AND synced_at > (SELECT instant FROM since) AND detail_at IS NOT NULL
          AND deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM feeds WHERE stream = %(forms)s AND thing_id = task.form_id)
          AND NOT EXISTS (
              SELECT FROM feeds JOIN pyrus.task_projects AS filed ON project_id = thing_id
              WHERE stream = %(lists)s AND filed.task_id = task.task_id
          )
        ORDER BY task_id ON CONFLICT DO NOTHING
        """,  # noqa: S608 -- a constant
        {"account_id": account_id, "forms": FORMS, "lists": LISTS},
    )


def due(connection: Connection, account_id: int) -> list[int]:
    """The watched tasks that the account has not asked for within a day."""
    query = """
        SELECT task_id FROM pyrus.watched_tasks
        WHERE account_id = %s AND (asked_at IS NULL OR asked_at < now() - %s::interval) ORDER BY task_id
    """
    return [task_id for (task_id,) in connection.execute(query, [account_id, ASKED_EVERY])]


def note_asked(connection: Connection, account_id: int, task_ids: Collection[int]) -> None:
    """Records that the account asked for tasks that no list shows; they are watched from now on."""
    connection.execute(
        """
        INSERT INTO pyrus.watched_tasks (task_id, account_id, asked_at)
        SELECT id, %s, now() FROM unnest(%s::bigint[]) AS asked (id) ORDER BY id
        ON CONFLICT (task_id, account_id) DO UPDATE SET asked_at = EXCLUDED.asked_at
        """,
        [account_id, list(task_ids)],
    )


def unwatch(connection: Connection, account_id: int, listed: Collection[int]) -> None:
    """Stops watching the tasks that a list shows."""
    query = "SELECT task_id FROM pyrus.watched_tasks WHERE account_id = %s"
    shown = [task_id for (task_id,) in connection.execute(query, [account_id]) if task_id in listed]
    query = "DELETE FROM pyrus.watched_tasks WHERE account_id = %s AND task_id = ANY(%s)"
    connection.execute(query, [account_id, shown])
