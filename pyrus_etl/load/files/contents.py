"""The contents of attachments: which are not stored, and what became of them. The table attachment_contents."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pyrus_etl.load.sharing.readers import LIVE
from pyrus_etl.postgres.connection import Connection


class Chosen(NamedTuple):
    """The files that a run fetches; None means no limit. `account_id`: leaves out tasks that another account reads."""

    forms: Sequence[int] | None = None
    since: datetime | None = None
    most_bytes: int | None = None
    account_id: int | None = None


class Listed(NamedTuple):
    """A file of a task whose contents are not stored below the target."""

    task_id: int
    attachment_id: int
    name: str | None
    size_bytes: int | None
    md5_hash: str | None
    download_url: str | None


class Totals(NamedTuple):
    """Different files that are to be fetched, their bytes if known, and files that an option leaves out."""

    files: int
    bytes: int
    skipped: int


_CHOSEN = """
    (%(most_bytes)s::bigint IS NULL OR file.size_bytes IS NULL OR file.size_bytes <= %(most_bytes)s)
    AND (%(forms)s::bigint[] IS NULL OR task.form_id = ANY (%(forms)s))
    AND (%(since)s::timestamptz IS NULL OR coalesce(note.create_date, task.create_date) >= %(since)s)
"""
_WAITING = f"""
    FROM pyrus.attachments AS file
    JOIN pyrus.tasks AS task USING (task_id)
    LEFT JOIN pyrus.notes AS note ON (note.task_id, note.note_no) = (file.task_id, file.note_no)
    LEFT JOIN pyrus.attachment_contents AS content
        ON (content.task_id, content.attachment_id) = (file.task_id, file.attachment_id)
    WHERE (content.status IS DISTINCT FROM 'stored' OR NOT starts_with(content.stored_uri, %(target)s || '/'))
    AND (%(account_id)s::bigint IS NULL OR NOT EXISTS (
        SELECT FROM pyrus.task_sightings AS reader WHERE reader.task_id = file.task_id AND reader.is_reader
            AND reader.account_id <> %(account_id)s AND reader.account_id IN {LIVE}))
"""
_TOTALS = f"""
    WITH waiting AS (
        SELECT file.attachment_id, bool_or({_CHOSEN}) AS chosen, max(file.size_bytes) AS size {_WAITING}
        GROUP BY file.attachment_id
    )
    SELECT count(*) FILTER (WHERE chosen), coalesce(sum(size) FILTER (WHERE chosen), 0)::bigint,
           count(*) FILTER (WHERE chosen IS NOT TRUE)
    FROM waiting
"""  # noqa: S608 -- constants
_PAGE = f"""
    SELECT file.task_id, file.attachment_id, file.name, file.size_bytes, file.md5_hash, file.download_url {_WAITING}
    AND {_CHOSEN} AND (file.task_id, file.attachment_id) < (%(task_id)s, %(attachment_id)s)
    ORDER BY file.task_id DESC, file.attachment_id DESC LIMIT 500
"""
_SHARE = """
    WITH shared AS (SELECT attachment_id FROM pyrus.attachments GROUP BY 1 HAVING count(*) > 1),
    best AS (
        SELECT DISTINCT ON (attachment_id) * FROM pyrus.attachment_contents JOIN shared USING (attachment_id)
        ORDER BY attachment_id, (status = 'stored') DESC, stored_at DESC NULLS LAST, attempts DESC
    )
    INSERT INTO pyrus.attachment_contents AS content
        (task_id, attachment_id, status, stored_uri, stored_at, error, size_bytes, sha256, media_type, attempts)
    SELECT file.task_id, file.attachment_id, status, stored_uri, stored_at, error, best.size_bytes, sha256, media_type,
           attempts
    FROM pyrus.attachments AS file JOIN best USING (attachment_id)
    ON CONFLICT (task_id, attachment_id) DO UPDATE
    SET status = EXCLUDED.status, stored_uri = EXCLUDED.stored_uri, stored_at = EXCLUDED.stored_at,
        error = EXCLUDED.error, size_bytes = EXCLUDED.size_bytes, sha256 = EXCLUDED.sha256,
        media_type = EXCLUDED.media_type, attempts = EXCLUDED.attempts
    WHERE (content.status <> 'stored' OR EXCLUDED.status = 'stored')
        AND (content.status, content.attempts, content.stored_uri)
            IS DISTINCT FROM (EXCLUDED.status, EXCLUDED.attempts, EXCLUDED.stored_uri)
"""


def totals(connection: Connection, target: str, chosen: Chosen) -> Totals:
    found = connection.execute(_TOTALS, {**chosen._asdict(), "target": target}).fetchone()
    assert found is not None
    return Totals(*found)


def has_new(connection: Connection) -> bool:
    """Whether the contents of a file were never requested."""
    query = """
        SELECT EXISTS (
            SELECT FROM pyrus.attachments AS file WHERE NOT EXISTS (
                SELECT FROM pyrus.attachment_contents AS content WHERE content.attachment_id = file.attachment_id
            )
        )
    """
    ((found,),) = connection.execute(query).fetchall()
    return bool(found)


def waiting(connection: Connection, target: str, chosen: Chosen, before: tuple[int, int]) -> list[Listed]:
    """The next files to fetch, those of the newest tasks first; a file of several tasks comes with each of them."""
    parameters = {**chosen._asdict(), "target": target, "task_id": before[0], "attachment_id": before[1]}
    return [Listed(*row) for row in connection.execute(_PAGE, parameters)]


def share(connection: Connection) -> None:
    """Gives a file that several tasks have the same row with each of them."""
    connection.execute(_SHARE)


def others_at_work(connection: Connection, account_id: int) -> bool:
    """Whether a run of another account of Pyrus holds a lock: it may be storing files too.

    The accounts of other services have negative ids; their files go below folders of their own.
    """
    query = """
        SELECT EXISTS (
            SELECT FROM pyrus.sync_leases
            WHERE account_id <> %s AND account_id > 0 AND expires_at > clock_timestamp()
        )
    """
    found = connection.execute(query, [account_id]).fetchone()
    return bool(found and found[0])


class StoredFile(NamedTuple):
    """A file that is stored; `sha256` of its contents."""

    file_id: int | str
    stored_uri: str
    sha256: str | None


def stored(connection: Connection, after: int | str) -> list[StoredFile]:
    """The next stored files, by their ids."""
    query = """
        SELECT DISTINCT attachment_id, stored_uri, sha256 FROM pyrus.attachment_contents
        WHERE status = 'stored' AND stored_uri IS NOT NULL AND attachment_id > %s ORDER BY 1 LIMIT 500
    """
    return [StoredFile(*row) for row in connection.execute(query, [after])]


def mark_wrong(connection: Connection, attachment_id: int | str, status: str, error: str) -> None:
    """Notes that stored contents are not right, so that the next download fetches them again."""
    query = "UPDATE pyrus.attachment_contents SET status = %s, error = %s WHERE attachment_id = %s"
    connection.execute(query, [status, error, attachment_id])


_GONE = """
    FROM pyrus.attachment_contents AS content
    WHERE NOT EXISTS (SELECT FROM pyrus.attachments AS file WHERE file.attachment_id = content.attachment_id)
"""


def gone(connection: Connection, after: int | str) -> list[StoredFile]:
    """The next files that no task has any more, and that are or were stored."""
    query = f"SELECT DISTINCT attachment_id, stored_uri, sha256 {_GONE} AND attachment_id > %s ORDER BY 1 LIMIT 500"
    return [StoredFile(*row) for row in connection.execute(query, [after])]


def forget(connection: Connection, attachment_id: int | str) -> None:
    """Deletes the rows of a file that no task has."""
    connection.execute(f"DELETE {_GONE} AND attachment_id = %s", [attachment_id])
