"""How far the last backfill has read each register and each list, and the first rows that these give of tasks.

Every function works inside the caller's transaction and is safe to repeat.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from pyrus_etl.load.sharing.readers import LIVE
from pyrus_etl.load.sharing.sightings import Sighting, see
from pyrus_etl.load.tasks.batch import load
from pyrus_etl.load.tasks.stored import Stored, TaskLoad, read_stored
from pyrus_etl.model.stream import FORMS, LISTS
from pyrus_etl.postgres.connection import Connection

Key = tuple[str, int]
"""Kind and id of a feed."""


def begin_feeds(connection: Connection, account_id: int) -> None:
    """Forgets how far an earlier backfill came."""
    connection.execute("DELETE FROM pyrus.sync_feeds WHERE account_id = %s", [account_id])


def reached(connection: Connection, account_id: int) -> dict[Key, int | None]:
    """The greatest task id that is stored of each feed that was begun; None if all of it is."""
    query = """
        SELECT kind, feed_id, CASE WHEN done_at IS NULL THEN coalesce(reached_id, 0) END FROM pyrus.sync_feeds
        WHERE account_id = %s
    """
    return {(kind, feed_id): task_id for kind, feed_id, task_id in connection.execute(query, [account_id])}


def note_reached(connection: Connection, account_id: int, reached: Collection[tuple[Key, int | None]]) -> None:
    """Records up to which task each feed is stored; None: to its end. A feed occurs once."""
    if not reached:
        return
    connection.execute(
        """
        INSERT INTO pyrus.sync_feeds AS feed (account_id, kind, feed_id, reached_id, done_at)
        SELECT %(account_id)s, kind, feed_id, task_id, CASE WHEN task_id IS NULL THEN now() END
        FROM unnest(%(kinds)s::text[], %(ids)s::bigint[], %(tasks)s::bigint[]) AS read (kind, feed_id, task_id)
        ON CONFLICT (account_id, kind, feed_id) DO UPDATE
        SET reached_id = coalesce(EXCLUDED.reached_id, feed.reached_id), done_at = EXCLUDED.done_at
        WHERE EXCLUDED.done_at IS NULL OR feed.done_at IS NULL
        """,
        {
            "account_id": account_id,
            "kinds": [kind for (kind, _), _ in reached],
            "ids": [feed_id for (_, feed_id), _ in reached],
            "tasks": [task_id for _, task_id in reached],
        },
    )


def unread(connection: Connection, account_id: int) -> list[Key]:
    """The forms and lists that the account sees and that no run of it has read to the end: they are new, or came back.

    None if no run noted what it read, because they all asked API v3, which has no feeds.
    """
    query = """
        SELECT kind, thing_id FROM pyrus.directory_sightings AS sighting
        JOIN (VALUES ('form', %(forms)s), ('list', %(lists)s)) AS kinds (kind, stream) USING (stream)
        WHERE account_id = %(account_id)s AND gone_at IS NULL
          AND EXISTS (SELECT FROM pyrus.sync_feeds AS any_feed WHERE any_feed.account_id = %(account_id)s)
          AND NOT EXISTS (
            SELECT FROM pyrus.sync_feeds AS feed WHERE feed.account_id = %(account_id)s
                AND feed.kind = kinds.kind AND feed.feed_id = sighting.thing_id AND done_at IS NOT NULL
        )
    """
    return connection.execute(query, {"account_id": account_id, "forms": FORMS, "lists": LISTS}).fetchall()


def note_read(connection: Connection, account_id: int, complete: Collection[Key], refused: Collection[Key]) -> None:
    """Records which feeds a run has read to the end.

    What is refused, or no longer there, is forgotten: when it comes back, it is read as if it were new.
    """
    note_reached(connection, account_id, [(feed, None) for feed in sorted(complete)])
    connection.execute(
        """
        DELETE FROM pyrus.sync_feeds AS feed
        USING (VALUES ('form', %(forms)s), ('list', %(lists)s)) AS kinds (kind, stream)
        WHERE feed.account_id = %(account_id)s AND feed.kind = kinds.kind AND (
            feed.kind || feed.feed_id = ANY(%(refused)s) OR EXISTS (
                SELECT FROM pyrus.directory_sightings AS sighting WHERE sighting.account_id = feed.account_id
                    AND sighting.stream = kinds.stream AND thing_id = feed.feed_id AND gone_at IS NOT NULL
            )
        )
        """,
        {
            "account_id": account_id,
            "forms": FORMS,
            "lists": LISTS,
            "refused": [f"{kind}{feed_id}" for kind, feed_id in refused],
        },
    )


def load_first_rows(connection: Connection, account_id: int, tasks: Sequence[TaskLoad]) -> int:
    """Writes what feeds give of tasks that have no body yet; returns the number of those tasks.

    A task with a body is only noted as seen: what a row gives never changes what a body gave. So is a task that
    another account reads, or that is stored as it was later.
    """
    stored = read_stored(connection, account_id, [task.task_id for task in tasks])
    stays = {
        task.task_id for task in tasks if task.task_id in stored and _stays(stored[task.task_id], task, account_id)
    }
    see(connection, account_id, [Sighting(task_id, None, is_reader=False) for task_id in stays])
    new = [task for task in tasks if task.task_id not in stays]
    load(connection, account_id, new, stored)
    return len(new)


def _stays(stored: Stored, row: TaskLoad, account_id: int) -> bool:
    """Whether a row of a feed changes nothing of a stored task."""
    if stored.payload_sha256 is not None or stored.reader not in (None, account_id):
        return True
    date, stored_date = row.modified_date, stored.modified_date
    return date is not None and stored_date is not None and date < stored_date


def without_body(
    connection: Connection,
    account_id: int,
    before: tuple[datetime | str, int] | None,
    most: int,
    seen_by: int | None = None,
) -> list[tuple[int, datetime | None, int | None]]:
    """Tasks that the account has to fetch because they have no body: id, date and last note as listed, newest first.

    `before`: the date (-infinity if it has none) and the id of the last task of the part before. `seen_by`: only tasks
    that at most this many accounts see; then those too that another account reads, because it may not have fetched
    them yet.
    """
    query = f"""
        SELECT task_id, modified_date, mine.listed_note_id
        FROM pyrus.tasks JOIN pyrus.task_sightings AS mine USING (task_id)
        WHERE detail_at IS NULL AND deleted_at IS NULL AND mine.account_id = %(account_id)s
          AND (%(date)s::timestamptz IS NULL
               OR (coalesce(modified_date, '-infinity'), task_id) < (%(date)s, %(task_id)s))
          AND (mine.is_reader OR %(seen_by)s::integer IS NOT NULL OR NOT EXISTS (
              SELECT FROM pyrus.task_sightings AS other
              WHERE other.task_id = mine.task_id AND other.is_reader AND other.account_id IN {LIVE}))
          AND (%(seen_by)s::integer IS NULL OR %(seen_by)s >= (
              SELECT count(*) FROM pyrus.task_sightings AS each WHERE each.task_id = mine.task_id))
        ORDER BY coalesce(modified_date, '-infinity') DESC, task_id DESC LIMIT %(most)s
    """  # noqa: S608 -- a constant
    date, task_id = before or (None, None)
    parameters = {"account_id": account_id, "date": date, "task_id": task_id, "most": most, "seen_by": seen_by}
    return connection.execute(query, parameters).fetchall()


def number_of_accounts(connection: Connection) -> int:
    """How many accounts have used the database."""
    found = connection.execute("SELECT count(*) FROM pyrus.accounts").fetchone()
    return int(found[0]) if found else 0


def number_without_body(connection: Connection, account_id: int) -> int:
    """The number of tasks that the account sees and that have no body."""
    query = """
        SELECT count(*) FROM pyrus.tasks JOIN pyrus.task_sightings USING (task_id)
        WHERE detail_at IS NULL AND deleted_at IS NULL AND account_id = %s
    """
    found = connection.execute(query, [account_id]).fetchone()
    return int(found[0]) if found else 0


def has_bodies(connection: Connection) -> bool:
    """Whether any body is stored."""
    found = connection.execute("SELECT EXISTS (SELECT FROM pyrus.raw_tasks)").fetchone()
    return bool(found and found[0])
