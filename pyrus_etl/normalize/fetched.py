"""A fetched task → all of its rows, with the one of its body."""

from collections.abc import Mapping
from datetime import datetime

from pyrus_etl.model.body import Fetched
from pyrus_etl.normalize.doubt import is_doubtful
from pyrus_etl.normalize.project import NO_OVERRIDES
from pyrus_etl.normalize.raw import add_raw
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.schema.rows import Rows


def fetched_rows(
    task_id: int,
    fetched: Fetched,
    listed_date: datetime | None,
    form_overrides: Mapping[int, int | None] = NO_OVERRIDES,
) -> Rows:
    """Makes the rows of a task that was listed under `listed_date` and fetched; see `task_rows`."""
    rows = task_rows(fetched.task, form_overrides, detail_at=fetched.body.fetched_at)
    rows.unreadable += fetched.unreadable
    add_raw(rows, task_id, fetched.body, fetched.server_time, is_doubted=is_doubtful(fetched, listed_date))
    return rows
