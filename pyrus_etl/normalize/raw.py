"""A body as served → its row."""

from datetime import datetime

from pyrus_etl.model.body import Body
from pyrus_etl.schema.raw import READER, RawTaskRow, raw_tasks
from pyrus_etl.schema.rows import Rows


def add_raw(rows: Rows, task_id: int, body: Body, listed_date: datetime | None, *, is_doubted: bool) -> None:
    """Adds the body of a task that was served in full."""
    rows.claim(raw_tasks)
    row = RawTaskRow(
        task_id=task_id,
        payload=body.payload,
        payload_sha256=body.payload_sha256,
        fetched_at=body.fetched_at,
        listed_date=listed_date,
        is_doubted=is_doubted,
        api=body.api,
        read_by=READER,
    )
    rows.add(raw_tasks, row)
