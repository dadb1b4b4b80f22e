"""Files at other services: the table service_files.

Every function works inside the caller's transaction, and is safe to repeat.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.replace import replace
from pyrus_etl.schema.service import ServiceFileRow, service_files


class Absent(NamedTuple):
    """A stored file that a census did not find, and the project in which it was."""

    file_id: str
    project_id: str | None


def write_files(connection: Connection, service: str, rows: Sequence[ServiceFileRow]) -> int:
    """Writes what differs from the stored rows, and unmarks what came back; returns the number of rows written.

    A file whose links alone have another query, such as a later expiry, is unchanged.
    """
    stored = _stored_links(connection, service, [row.file_id for row in rows])
    kept = [_with_stored_links(row, stored[row.file_id]) if row.file_id in stored else row for row in rows]
    replace(connection, service_files, ServiceFileRow._fields, kept)
    written = connection.execute(
        "SELECT count(*) FROM pyrus.service_files WHERE service = %s AND file_id = ANY(%s) AND seen_at = now()",
        [service, [row.file_id for row in rows]],
    )
    return int(written.fetchall()[0][0])


def absent(connection: Connection, service: str, seen: Collection[str]) -> list[Absent]:
    """The stored files, not yet marked as deleted, that are not among those seen."""
    found = connection.execute(
        """
        SELECT file_id, project_id FROM pyrus.service_files
        WHERE service = %s AND deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM unnest(%s::text[]) AS seen (file_id) WHERE seen.file_id = service_files.file_id)
        ORDER BY file_id
        """,
        [service, list(seen)],
    )
    return [Absent(*row) for row in found.fetchall()]


def mark_gone(connection: Connection, service: str, file_ids: Collection[str]) -> int:
    """Marks files as deleted; their rows are kept. Returns the number."""
    marked = connection.execute(
        """
        UPDATE pyrus.service_files SET deleted_at = now(), seen_at = now()
        WHERE service = %s AND file_id = ANY(%s) AND deleted_at IS NULL
        """,
        [service, list(file_ids)],
    )
    return marked.rowcount


class _Links(NamedTuple):
    download_url: str | None
    payload: str


def _stored_links(connection: Connection, service: str, file_ids: list[str]) -> Mapping[str, _Links]:
    found = connection.execute(
        """
        SELECT file_id, download_url, payload::text FROM pyrus.service_files WHERE service = %s AND file_id = ANY(%s)
        """,
        [service, file_ids],
    )
    return {file_id: _Links(url, payload) for file_id, url, payload in found.fetchall()}


def _with_stored_links(row: ServiceFileRow, stored: _Links) -> ServiceFileRow:
    """The row with the stored description, if that differs in the queries of links alone."""
    if _without_queries(msgspec.json.decode(row.payload)) != _without_queries(msgspec.json.decode(stored.payload)):
        return row
    return row._replace(payload=stored.payload, download_url=stored.download_url)


def _without_queries(value: Any) -> Any:
    """The same with each link cut before its query."""
    if isinstance(value, str):
        return value.partition("?")[0] if value.startswith(("https://", "http://")) else value
    if isinstance(value, dict):
        return {key: _without_queries(each) for key, each in value.items()}
    return [_without_queries(each) for each in value] if isinstance(value, list) else value
