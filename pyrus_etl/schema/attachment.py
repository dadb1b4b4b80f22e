"""Attachments, and what became of their contents."""

from typing import NamedTuple

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text

from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata, owned_table, task_key

attachments = owned_table(
    "attachments",
    key("attachment_id", "Id of the file in Pyrus; a new version of a file has a new id."),
    Column("name", Text, comment="File name."),
    bigint("size_bytes", "Size of the file."),
    Column("download_url", Text, comment="Where Pyrus serves the contents, to those who are logged in."),
    bigint("existing_id", "Id of the first version of the same file, where Pyrus tells it."),
    Column("md5_hash", Text, comment="MD5 of the contents, as Pyrus spells it."),
    Column("note_no", Integer, comment="The note in which it first stands; null where only the task's form has it."),
    bigint("field_id", "The form field in which it first stands; null where it is attached to a note."),
    comment="One row a file a task: notes' Attachments and the Files of form values.",
)


class AttachmentRow(NamedTuple):
    task_id: int
    attachment_id: int
    name: str | None
    size_bytes: int | None
    download_url: str | None
    existing_id: int | None
    md5_hash: str | None
    note_no: int | None
    field_id: int | None


attachment_contents = Table(
    "attachment_contents",
    metadata,
    task_key(),
    key("attachment_id", "The file; see attachments."),
    Column("status", Text, nullable=False, comment="stored, missing, denied, corrupt or failed."),
    Column("stored_uri", Text, comment="Where the contents were stored."),
    Column("stored_at", Timestamp, comment="When they were stored."),
    Column("error", Text, comment="Why they could not be stored."),
    CheckConstraint(
        "status IN ('stored', 'missing', 'denied', 'corrupt', 'failed')", name="ck_attachment_contents_status"
    ),
    comment="What became of the contents of attachments; filled by attachments download.",
)
