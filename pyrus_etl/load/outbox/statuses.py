"""The statuses of rows of pyrus.outbox: how a push, or a person, changes them.

Every function works inside the caller's transaction and is safe to repeat: a row changes its status only from the one
that its pusher has left it in.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from pyrus_etl.load.outbox.waiting import Entry
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.outbox import REFUSED, SENT, UNKNOWN, WAITING


def begin(connection: Connection, run_id: UUID, account_id: int, entry: Entry, baseline: bytes, tries: int) -> bool:
    """Records that a row is about to be sent for the `tries`-th time; returns whether it may be.

    Another process, of another account, may have taken the row or an earlier one of its task.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [entry.task_id or entry.outbox_id.int >> 65])
    found = connection.execute(
        """
        UPDATE pyrus.outbox AS entry
        SET status = 'sending', attempts = %(tries)s, baseline = %(baseline)s, tried_at = clock_timestamp(),
            account_id = %(account_id)s, run_id = %(run_id)s, error = NULL
        WHERE outbox_id = %(outbox_id)s
          AND (status = 'waiting' OR (status IN ('sending', 'unknown') AND account_id = %(account_id)s))
          AND NOT (action = 'comment' AND EXISTS (
              SELECT FROM pyrus.outbox AS earlier
              WHERE earlier.task_id = entry.task_id AND earlier.status <> 'sent'
              AND (earlier.created_at, earlier.outbox_id) < (entry.created_at, entry.outbox_id)
          ))
        """,
        {
            "run_id": run_id,
            "account_id": account_id,
            "outbox_id": entry.outbox_id,
            "baseline": baseline,
            "tries": tries,
        },
    )
    return found.rowcount == 1


def withdraw(connection: Connection, run_id: UUID, outbox_id: UUID, tries: int, error: str | None = None) -> None:
    """Records that a row was surely not applied; it waits again. `tries`: those after which it may have been."""
    _settle(connection, run_id, outbox_id, WAITING, error=error, attempts=tries)


def finish(connection: Connection, run_id: UUID, outbox_id: UUID, task_id: int, note_id: int | None) -> None:
    """Records that Pyrus has applied a row."""
    answer = {"task_id": task_id} | ({} if note_id is None else {"note_id": note_id})
    _settle(connection, run_id, outbox_id, SENT, answer=answer, task_id=task_id)


def refuse(
    connection: Connection, run_id: UUID, outbox_id: UUID, error: str, answer: dict[str, Any] | None = None
) -> None:
    """Records why a row cannot be applied."""
    _settle(connection, run_id, outbox_id, REFUSED, error=error, answer=answer)


def doubt(connection: Connection, run_id: UUID, outbox_id: UUID, error: str) -> None:
    """Records that a person has to decide whether a row was applied."""
    _settle(connection, run_id, outbox_id, UNKNOWN, error=error)


def _settle(
    connection: Connection,
    run_id: UUID,
    outbox_id: UUID,
    status: str,
    *,
    error: str | None = None,
    answer: dict[str, Any] | None = None,
    task_id: int | None = None,
    attempts: int | None = None,
) -> None:
    connection.execute(
        """
        UPDATE pyrus.outbox
        SET status = %(status)s, error = %(error)s, answer = %(answer)s, run_id = %(run_id)s,
            task_id = coalesce(%(task_id)s, task_id), attempts = coalesce(%(attempts)s, attempts),
            sent_at = CASE WHEN %(status)s = 'sent' THEN clock_timestamp() END
        WHERE outbox_id = %(outbox_id)s AND status IN ('waiting', 'sending', 'unknown')
        """,
        {
            "status": status,
            "error": error and error.replace("\0", "\ufffd"),
            "answer": None if answer is None else msgspec.json.encode(answer),
            "run_id": run_id,
            "task_id": task_id,
            "attempts": attempts,
            "outbox_id": outbox_id,
        },
    )


def claimed(connection: Connection, task_ids: Sequence[int]) -> set[int]:
    """Those of the tasks that rows of the outbox are known to have made."""
    query = "SELECT task_id FROM pyrus.outbox WHERE action <> 'comment' AND task_id = ANY(%s)"
    return {task_id for (task_id,) in connection.execute(query, [list(task_ids)])}


def resolve(connection: Connection, outbox_id: UUID, status: str) -> str | None:
    """Records a person's decision about a row that is unknown or refused.

    Returns the status that the row had, or None if the outbox has no row with this id.
    Nothing changes if it has another status.
    """
    found = connection.execute("SELECT status FROM pyrus.outbox WHERE outbox_id = %s FOR UPDATE", [outbox_id])
    before: str | None = next((status for (status,) in found), None)
    if before in (UNKNOWN, REFUSED):
        connection.execute(
            """
            UPDATE pyrus.outbox
            SET status = %(status)s, error = NULL, answer = NULL,
                sent_at = CASE WHEN %(status)s = 'sent' THEN clock_timestamp() END,
                attempts = CASE WHEN %(status)s = 'sent' THEN attempts ELSE 0 END, baseline = NULL
            WHERE outbox_id = %(outbox_id)s
            """,
            {"status": status, "outbox_id": outbox_id},
        )
    return before


class Ended(NamedTuple):
    """A row that a run has not sent, and why."""

    outbox_id: UUID
    action: str
    task_id: int | None
    status: str
    error: str | None


def not_sent(connection: Connection, run_id: UUID) -> list[Ended]:
    """The rows that a run has worked on and that are not sent, in their order."""
    query = """
        SELECT outbox_id, action, task_id, status, error FROM pyrus.outbox
        WHERE run_id = %s AND status <> 'sent' ORDER BY created_at, outbox_id
    """
    with connection.cursor(row_factory=class_row(Ended)) as cursor:
        return cursor.execute(query, [run_id]).fetchall()
