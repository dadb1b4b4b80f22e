"""From a served body to the rows to load, without a server."""

import hashlib
from datetime import UTC, datetime

from pyrus_etl.client.decode import storable
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.body import Body, Fetched
from pyrus_etl.normalize.fetched import fetched_rows
from pyrus_etl.normalize.raw import add_raw
from pyrus_etl.normalize.task import task_rows
from tests.normalize.reading import task_of
from tests.normalize.reading_v4 import read_task

FETCHED = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACCOUNT = 300001
"""The account that was served the bodies."""


def task_load_v4(served: bytes, listed: datetime | None = FETCHED, fetched: datetime = FETCHED) -> TaskLoad:
    """The same for an answer of API v4."""
    stored, task, unreadable = read_task(served)
    body = Body(stored, hashlib.sha256(served).hexdigest(), fetched, "v4")
    return TaskLoad(task.id, fetched_rows(task.id, Fetched(task, body, fetched, unreadable), listed), listed)


def task_load(served: bytes, listed: datetime | None = FETCHED, fetched: datetime = FETCHED) -> TaskLoad:
    """Returns what a run would load for an answer of GetTask."""
    task, _ = task_of(served)
    rows = task_rows(task, detail_at=fetched)
    body = Body(storable(served), hashlib.sha256(served).hexdigest(), fetched, "v3")
    add_raw(rows, task.id, body, fetched, is_doubted=False)
    return TaskLoad(task.id, rows, listed)
