"""Attachments → rows: one a file a task, at the place where it first stands."""

from pyrus_etl.model.attachment import Attachment
from pyrus_etl.schema.attachment import AttachmentRow, attachments
from pyrus_etl.schema.rows import Rows


def attachment(
    rows: Rows, task_id: int, file: Attachment | None, seen: set[int], *, note_no: int | None, field_id: int | None
) -> None:
    """Adds the file unless the task has it already; a file without an id has no key and stays in raw_tasks."""
    if file is None or file.id is None or file.id in seen:
        return
    seen.add(file.id)
    row = AttachmentRow(
        task_id,
        file.id,
        file.name,
        file.size,
        file.download_url,
        file.existing_id,
        file.md5_hash,
        note_no,
        field_id,
    )
    rows.add(attachments, row)
