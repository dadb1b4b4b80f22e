"""The contents of files at other services: which are not stored, and what became of them. service_file_contents.

Every function works inside the caller's transaction, and is safe to repeat.
"""

from datetime import datetime
from typing import NamedTuple

from pyrus_etl.load.files.contents import StoredFile
from pyrus_etl.postgres.connection import Connection


class ServiceListed(NamedTuple):
    """A file of a service whose contents are not stored."""

    file_id: str
    name: str | None
    size_bytes: int | None
    download_url: str | None


_WAITING = """
    FROM pyrus.service_files AS file LEFT JOIN pyrus.service_file_contents AS content USING (service, file_id)
    WHERE service = %(service)s AND file.deleted_at IS NULL
        AND (content.status IS DISTINCT FROM 'stored' OR NOT starts_with(content.stored_uri, %(target)s || '/'))
"""


def waiting(
    connection: Connection, service: str, target: str, since: datetime | None, most: int | None
) -> list[ServiceListed]:
    """The files to fetch, the newest first: not below the target, uploaded since then, and of at most `most` bytes."""
    query = f"""
        SELECT file_id, file.name, file.size_bytes, file.download_url {_WAITING}
            AND (%(most)s::bigint IS NULL OR file.size_bytes IS NULL OR file.size_bytes <= %(most)s::bigint)
            AND (%(since)s::timestamptz IS NULL OR file.created_at >= %(since)s::timestamptz)
        ORDER BY file.created_at DESC NULLS LAST, file_id
    """
    found = connection.execute(query, {"service": service, "target": target, "since": since, "most": most})
    return [ServiceListed(*row) for row in found.fetchall()]


def not_stored(connection: Connection, service: str, target: str) -> int:
    """How many files are not stored below the target, whatever a run chooses."""
    parameters = {"service": service, "target": target}
    ((count,),) = connection.execute(f"SELECT count(*) {_WAITING}", parameters).fetchall()
    return int(count)


def stored(connection: Connection, after: int | str, service: str) -> list[StoredFile]:
    """The next files that are recorded as stored, by their ids."""
    query = """
        SELECT file_id, stored_uri, sha256 FROM pyrus.service_file_contents
        WHERE service = %s AND status = 'stored' AND stored_uri IS NOT NULL AND file_id > %s ORDER BY 1 LIMIT 500
    """
    return [StoredFile(*row) for row in connection.execute(query, [service, after])]


def mark_wrong(connection: Connection, file_id: int | str, status: str, error: str, service: str) -> None:
    """Notes that stored contents are not right, so that the next download fetches them again."""
    connection.execute(
        "UPDATE pyrus.service_file_contents SET status = %s, error = %s WHERE service = %s AND file_id = %s",
        [status, error, service, file_id],
    )


_GONE = """
    FROM pyrus.service_file_contents AS content
    WHERE service = %s AND NOT EXISTS (
        SELECT FROM pyrus.service_files AS file
        WHERE (file.service, file.file_id) = (content.service, content.file_id) AND deleted_at IS NULL
    )
"""


def gone(connection: Connection, after: int | str, service: str) -> list[StoredFile]:
    """The next files that the service has no more, as `files sync` has marked them, and that are or were stored."""
    query = f"SELECT file_id, stored_uri, sha256 {_GONE} AND file_id > %s ORDER BY 1 LIMIT 500"
    return [StoredFile(*row) for row in connection.execute(query, [service, after])]


def forget(connection: Connection, file_id: int | str, service: str) -> None:
    """Deletes the row of a file that the service has no more."""
    connection.execute(f"DELETE {_GONE} AND file_id = %s", [service, file_id])
