"""Copies of attachments at other services: the tables external_tasks and file_copies.

Every function works inside the caller's transaction.
"""

from collections.abc import Collection
from typing import LiteralString, NamedTuple

from psycopg.rows import class_row
from psycopg.sql import SQL

from pyrus_etl.postgres.connection import Connection


class Wanted(NamedTuple):
    """An attachment that has no copy yet at the task of another service.

    `attempts`: tries after which a copy may have arrived. `known`: ids of files that were there before the first of
    them. `age`: seconds since the last try began.
    """

    task_id: int
    attachment_id: int
    external_task_id: int
    name: str | None
    size_bytes: int | None
    md5_hash: str | None
    attempts: int
    known: list[str]
    age: float


class Link(NamedTuple):
    """A task of another service, its tasks of Pyrus, and how many of their files have no copy there yet."""

    external_task_id: int
    task_ids: list[int]
    files: int


_WANTED: LiteralString = """
    FROM pyrus.external_tasks AS link
    JOIN pyrus.tasks AS task USING (task_id)
    JOIN pyrus.attachments USING (task_id)
    LEFT JOIN pyrus.file_copies AS copy USING (task_id, attachment_id, service)
    CROSS JOIN LATERAL (
        SELECT copy.external_task_id IS NOT NULL AND copy.external_task_id <> link.external_task_id AS moved
    ) AS place
    WHERE service = %(service)s AND task.deleted_at IS NULL AND (copy.status IS DISTINCT FROM 'copied' OR moved)
"""
"""A copy at another task than external_tasks now says does not count. Files of deleted tasks cannot be had."""


def links(connection: Connection, service: str) -> list[Link]:
    """The tasks at another service to which something is to be copied."""
    query = SQL(
        "SELECT link.external_task_id, array_agg(DISTINCT task_id ORDER BY task_id) AS task_ids, count(*) AS files {}"
        "GROUP BY link.external_task_id ORDER BY link.external_task_id"
    ).format(SQL(_WANTED))
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(query, {"service": service}).fetchall()


def has_links(connection: Connection, service: str) -> bool:
    """Whether external_tasks says of any task which one it is at the service."""
    query = "SELECT EXISTS (SELECT FROM pyrus.external_tasks WHERE service = %s)"
    ((found,),) = connection.execute(query, [service]).fetchall()
    return bool(found)


def links_of_unknown_tasks(connection: Connection, service: str) -> list[int]:
    """The tasks in external_tasks that are not stored."""
    query = """
        SELECT DISTINCT link.task_id FROM pyrus.external_tasks AS link LEFT JOIN pyrus.tasks AS task USING (task_id)
        WHERE service = %s AND task.task_id IS NULL ORDER BY 1
    """
    return [task_id for (task_id,) in connection.execute(query, [service])]


def wanted(connection: Connection, service: str, link: Link) -> list[Wanted]:
    """The attachments that have no copy yet at a task of another service."""
    query = SQL(
        """
        SELECT task_id, attachment_id, link.external_task_id, name, size_bytes, lower(md5_hash) AS md5_hash,
               CASE WHEN moved THEN 0 ELSE coalesce(attempts, 0) END AS attempts,
               CASE WHEN moved THEN '{{}}' ELSE coalesce(known_file_ids, '{{}}') END AS known,
               coalesce(extract(epoch FROM clock_timestamp() - copy.started_at), 1e9)::float8 AS age
        {} AND task_id = ANY(%(task_ids)s) AND link.external_task_id = %(external_task_id)s
        ORDER BY attachment_id, task_id
        """
    ).format(SQL(_WANTED))
    with connection.cursor(row_factory=class_row(Wanted)) as cursor:
        return cursor.execute(query, {"service": service, **link._asdict()}).fetchall()


def claimed(connection: Connection, service: str, file_ids: Collection[str]) -> set[str]:
    """Those of the files that are known copies."""
    query = "SELECT external_file_id FROM pyrus.file_copies WHERE service = %s AND external_file_id = ANY(%s)"
    return {file_id for (file_id,) in connection.execute(query, [service, list(file_ids)])}


def copies_at(connection: Connection, service: str, external_task_id: int) -> dict[int, str]:
    """The attachments that have a copy at a task of another service, from whichever task, each with its copy."""
    query = """
        SELECT attachment_id, external_file_id
        FROM pyrus.external_tasks AS link
        JOIN pyrus.file_copies AS copy USING (task_id, service)
        WHERE service = %s AND link.external_task_id = %s AND status = 'copied'
          AND coalesce(copy.external_task_id, link.external_task_id) = link.external_task_id
          AND external_file_id IS NOT NULL
    """
    return dict(connection.execute(query, [service, external_task_id]).fetchall())


def adopt(connection: Connection, service: str, copy: Wanted, file_id: str) -> None:
    """Records that the copy which another task has at the same place is the copy of this one too."""
    begin(connection, service, copy)
    finish(connection, service, copy, file_id)


def begin(connection: Connection, service: str, copy: Wanted) -> None:
    """Records that a copy is about to be sent."""
    connection.execute(
        """
        INSERT INTO pyrus.file_copies (task_id, attachment_id, service, external_task_id, status, attempts,
                                       known_file_ids, started_at)
        VALUES (%s, %s, %s, %s, 'copying', %s, %s, clock_timestamp())
        ON CONFLICT (task_id, attachment_id, service) DO UPDATE
        SET external_file_id = NULL, external_task_id = EXCLUDED.external_task_id, status = 'copying',
            attempts = EXCLUDED.attempts, known_file_ids = EXCLUDED.known_file_ids, started_at = EXCLUDED.started_at,
            copied_at = NULL, error = NULL
        """,
        [copy.task_id, copy.attachment_id, service, copy.external_task_id, copy.attempts, copy.known],
    )


def finish(connection: Connection, service: str, copy: Wanted, file_id: str) -> None:
    """Records that the copy is there."""
    connection.execute(
        """
        UPDATE pyrus.file_copies
        SET status = 'copied', external_file_id = %s, attempts = %s, copied_at = clock_timestamp(), error = NULL
        WHERE (task_id, attachment_id, service) = (%s, %s, %s)
        """,
        [file_id, copy.attempts, copy.task_id, copy.attachment_id, service],
    )


def fail(connection: Connection, service: str, copy: Wanted, error: str) -> None:
    """Records why a file is not copied. `copy.attempts` counts only tries after which a copy may have arrived."""
    connection.execute(
        """
        INSERT INTO pyrus.file_copies (task_id, attachment_id, service, external_task_id, status, attempts,
                                       known_file_ids, started_at, error)
        VALUES (%s, %s, %s, %s, 'failed', %s, %s, clock_timestamp(), %s)
        ON CONFLICT (task_id, attachment_id, service) DO UPDATE
        SET external_task_id = EXCLUDED.external_task_id, status = 'failed', attempts = EXCLUDED.attempts,
            known_file_ids = EXCLUDED.known_file_ids, started_at = EXCLUDED.started_at, error = EXCLUDED.error
        """,
        [
            copy.task_id,
            copy.attachment_id,
            service,
            copy.external_task_id,
            copy.attempts,
            copy.known,
            error.replace("\0", "\ufffd"),
        ],
    )


def withdraw(connection: Connection, service: str, copy: Wanted) -> None:
    """Forgets a try that was not sent, if it was the first one."""
    connection.execute(
        """
        DELETE FROM pyrus.file_copies
        WHERE (task_id, attachment_id, service) = (%s, %s, %s) AND status = 'copying' AND %s = 0
        """,
        [copy.task_id, copy.attachment_id, service, copy.attempts],
    )
