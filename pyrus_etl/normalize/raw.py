"""A body as served → its row."""

from datetime import datetime

from pyrus_etl.model.body import Body
from pyrus_etl.schema.raw import READER, RawTaskRow, raw_tasks
from pyrus_etl.schema.rows import Rows


def add_raw(rows: Rows, task_id: int, body: Body, served_at: datetime | None, *, is_doubted: bool) -> None:
    """Adds the body of a task that was served in full, at `served_at` by the server's clock."""
    rows.claim(raw_tasks)
    row = RawTaskRow(
        task_id=task_id,
        payload=body.payload,
        payload_sha256=body.payload_sha256,
        fetched_at=body.fetched_at,
        served_at=served_at,
        is_doubted=is_doubted,
        is_overtaken=False,
        api=body.api,
        read_by=READER,
    )
    rows.add(raw_tasks, row)
