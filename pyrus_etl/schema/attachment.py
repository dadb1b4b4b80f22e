"""Attachments, and the state of their contents."""

from typing import NamedTuple

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, text
from sqlalchemy.schema import SchemaItem

from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata, owned_table, task_key

attachments = owned_table(
    "attachments",
    key("attachment_id", "Id of the file in Pyrus; a new version of a file has a new id."),
    Column("name", Text, comment="File name."),
    bigint("size_bytes", "Size in bytes."),
    Column("download_url", Text, comment="Where Pyrus serves the contents to logged-in users."),
    bigint("existing_id", "Id of the first version of the same file, if Pyrus gives it."),
    Column("md5_hash", Text, comment="MD5 of the contents, as Pyrus gives it."),
    Column(
        "note_no",
        Integer,
        comment="Number of the first note with the file; null if only the task itself or its form has it.",
    ),
    bigint("field_id", "Id of the form field in which the file first appears; null if it is attached to a note."),
    bigint("version", "Version of the file, as API v4 counts it: 0 or 1 for the first; null through API v3."),
    comment="One row per task and file: those attached to the task and its notes, and those in form values.",
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
    version: int | None = None


def contents_columns(table: str) -> list[SchemaItem]:
    """What became of the contents of a file."""
    return [
        Column("status", Text, nullable=False, comment="stored, missing, denied, corrupt or failed."),
        Column("stored_uri", Text, comment="URL of the stored contents: file, s3, gs or az."),
        Column("stored_at", Timestamp, comment="When the contents were stored."),
        Column("error", Text, comment="Why the contents are not stored; null if they are."),
        bigint("size_bytes", "Size of the stored contents in bytes."),
        Column("sha256", Text, comment="SHA-256 of the stored contents, in hexadecimal."),
        Column("media_type", Text, comment="Content-Type that came with the contents."),
        Column(
            "attempts",
            Integer,
            nullable=False,
            server_default=text("0"),
            comment="How often the contents were requested so far.",
        ),
        CheckConstraint("status IN ('stored', 'missing', 'denied', 'corrupt', 'failed')", name=f"ck_{table}_status"),
    ]


class Outcome(NamedTuple):
    """What became of the contents of a file; `attempts`: how often one run requested them."""

    status: str
    attempts: int
    error: str | None = None
    stored_uri: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    media_type: str | None = None


attachment_contents = Table(
    "attachment_contents",
    metadata,
    task_key(),
    key("attachment_id", "Id of the file in Pyrus; a new version of a file has a new id."),
    *contents_columns("attachment_contents"),
    comment="State of the contents of attachments; filled by attachments download.",
)
