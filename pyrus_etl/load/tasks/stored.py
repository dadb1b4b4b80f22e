"""What is stored of a task, and whether a task that was served is the same, older or doubtful beside it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from pyrus_etl.normalize.doubt import SETTLED_AFTER
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.raw import RawTaskRow, raw_tasks
from pyrus_etl.schema.rows import OWNER, Rows

_MODIFIED = written_columns(OWNER).index("modified_date")


class TaskLoad(NamedTuple):
    """One task to load.

    `listed_date`, `listed_note_id`: the date and the id of the last note under which it is listed; None if not known.

    `asked_again`: its stored body was doubted when the run began. `is_unlisted`: no list has shown its date; a webhook
    has named it.
    """

    task_id: int
    rows: Rows
    listed_date: datetime | None = None
    asked_again: bool = False
    listed_note_id: int | None = None
    is_unlisted: bool = False

    @property
    def raw(self) -> RawTaskRow | None:
        """The row of its body; None if only a part of the task was served."""
        found: list[Any] = self.rows.owned[raw_tasks]
        return found[0] if found else None

    @property
    def modified_date(self) -> datetime | None:
        """The date of the task itself; None if it was not served."""
        date: datetime | None = self.rows.owned[OWNER][0][_MODIFIED]
        return date or None  # UNSET is false


class Stored(NamedTuple):
    """What is stored of a task. The hash is None if it has no body, `reader` if no account reads it.

    `listed_date`: the date under which the account of this run has it.
    """

    modified_date: datetime | None
    payload_sha256: str | None
    read_by: int | None
    is_overtaken: bool | None
    served_at: datetime | None
    listed_date: datetime | None
    reader: int | None


def read_stored(connection: Connection, account_id: int, task_ids: Collection[int]) -> dict[int, Stored]:
    """What is stored of the tasks, without those that are not stored.

    The ids are repeated for each table, or PostgreSQL may read whole tables.
    """
    query = """
        SELECT task.task_id, modified_date, payload_sha256, read_by, is_overtaken, served_at, mine.listed_date,
            reader.account_id
        FROM pyrus.tasks AS task
        LEFT JOIN pyrus.raw_tasks AS raw ON raw.task_id = task.task_id AND raw.task_id = ANY(%(ids)s)
        LEFT JOIN pyrus.task_sightings AS mine
            ON mine.task_id = task.task_id AND mine.account_id = %(account_id)s AND mine.task_id = ANY(%(ids)s)
        LEFT JOIN pyrus.task_sightings AS reader
            ON reader.task_id = task.task_id AND reader.is_reader AND reader.task_id = ANY(%(ids)s)
        WHERE task.task_id = ANY(%(ids)s)
    """
    if not task_ids:
        return {}
    found = connection.execute(query, {"ids": list(task_ids), "account_id": account_id})
    return {task_id: Stored(*stored) for task_id, *stored in found}


def is_stored(task: TaskLoad, stored: Stored | None) -> bool:
    """Whether exactly the rows of this body are already stored, made by the same reader."""
    raw = task.raw
    return (
        raw is not None
        and stored is not None
        and (raw.payload_sha256, raw.read_by, False) == (stored.payload_sha256, stored.read_by, stored.is_overtaken)
    )


def is_older(task: TaskLoad, stored: Stored, account_id: int) -> bool:
    """Whether the task is stored as it was served to another account at the same time or later, or in full later.

    Runs of one account come one after the other, so its own bodies need no comparison, and no clock has to be right.
    """
    if task.raw is None:
        return stored.payload_sha256 is not None and _is_before(task.modified_date, stored.modified_date)
    if stored.reader in (None, account_id) or stored.served_at is None or task.raw.served_at is None:
        return False
    if task.raw.served_at == stored.served_at:
        return _is_before(task.modified_date, stored.modified_date)
    return task.raw.served_at < stored.served_at


def is_doubtful(task: TaskLoad, stored: Stored) -> bool:
    """Whether a body that is left out may be newer than the stored one after all: dates count in whole seconds."""
    if task.raw is None:
        return False
    return task.raw.served_at == stored.served_at or not _is_before(task.modified_date, stored.modified_date)


def went_back(task: TaskLoad, stored: Stored) -> bool:
    """Whether a body that no list has dated is older than the stored one: a replica that lags may have served it."""
    if task.raw is None or not task.is_unlisted or task.asked_again or stored.payload_sha256 is None:
        return False
    date, stored_date = task.modified_date, stored.modified_date
    return date is not None and stored_date is not None and date < stored_date


def stays_doubted(task: TaskLoad, stored: Stored) -> bool:
    """Whether the stored body is still doubted when it is served again.

    The doubt ends if the run asked because of it and was answered more than `SETTLED_AFTER` after the first time: two
    answers within the same second may both be older than a change in it. If a list has a later date since then, the
    task has changed again, and that is a new doubt.
    """
    if not (task.raw and task.raw.is_doubted):
        return False
    listed_later = task.listed_date and stored.listed_date and task.listed_date > stored.listed_date
    return not task.asked_again or bool(listed_later) or _is_too_soon(task.raw.served_at, stored.served_at)


def _is_too_soon(served_at: datetime | None, first_served_at: datetime | None) -> bool:
    """Whether an answer came too soon after the first one to tell anything new; not if a time is not known."""
    if served_at is None or first_served_at is None:
        return False
    return abs(served_at - first_served_at) <= SETTLED_AFTER


def _is_before(date: datetime | None, stored: datetime | None) -> bool:
    """Whether the date is known and not after the stored one."""
    return date is not None and stored is not None and date <= stored
