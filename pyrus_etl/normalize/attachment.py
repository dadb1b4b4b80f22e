"""Attachments → rows: one row for each file of a task, with the place where the file first appears."""

from collections.abc import Sequence

from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.task import Note
from pyrus_etl.normalize.numbered import numbered
from pyrus_etl.schema.attachment import AttachmentRow, attachments
from pyrus_etl.schema.rows import Rows

Form = Sequence[FormValue | None] | None


def add_attachments(
    rows: Rows,
    task_id: int,
    notes: Sequence[Note | None] | None,
    form: Form,
    attached: Sequence[Attachment | None] | None = None,
) -> None:
    """Adds the files note by note, those attached before those in the note's form; then those of the task itself.

    `attached`: those attached to the task, which come before those in its form.
    """
    rows.claim(attachments)
    seen: set[int] = set()
    for note_no, note in numbered(notes):
        for file in note.attachments or []:
            _add(rows, task_id, file, seen, note_no=note_no, field_id=None)
        if note.form:
            _add_files(rows, task_id, note.form, seen, note_no)
    for file in attached or ():
        _add(rows, task_id, file, seen, note_no=None, field_id=None)
    _add_files(rows, task_id, form, seen, None)


def _add_files(rows: Rows, task_id: int, form: Form, seen: set[int], note_no: int | None) -> None:
    for _, value in numbered(form):
        for file in value.files:
            _add(rows, task_id, file, seen, note_no=note_no, field_id=value.field.id)


def _add(
    rows: Rows, task_id: int, file: Attachment | None, seen: set[int], *, note_no: int | None, field_id: int | None
) -> None:
    """Adds a file unless the task has it already. A file without an id has no key: it is in raw_tasks only."""
    if file is None or file.id is None or file.id in seen:
        return
    seen.add(file.id)
    row = AttachmentRow(
        task_id=task_id,
        attachment_id=file.id,
        name=file.name,
        size_bytes=file.size,
        download_url=file.download_url,
        existing_id=file.existing_id,
        md5_hash=file.md5_hash,
        note_no=note_no,
        field_id=field_id,
        version=file.version,
    )
    rows.add(attachments, row)
