"""Files at other services, Paymo and ONLYOFFICE, and the state of their contents."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ARRAY, Column, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from pyrus_etl.schema.attachment import contents_columns
from pyrus_etl.schema.metadata import Timestamp, bigint, metadata


def _service() -> Column[str]:
    return Column("service", Text, primary_key=True, comment="The service that has the file: paymo or onlyoffice.")


def _file_id() -> Column[str]:
    return Column("file_id", Text, primary_key=True, comment="Id of the file at its service.")


service_files = Table(
    "service_files",
    metadata,
    _service(),
    _file_id(),
    Column("name", Text, comment="File name."),
    bigint("size_bytes", "Size in bytes."),
    Column("media_type", Text, comment="Type of the contents, such as image/png, if the service gives it."),
    Column("description", Text, comment="Description of the file; at ONLYOFFICE, the comment of its last version."),
    Column("project_id", Text, comment="Id of the project at the service, in which the file is."),
    Column("task_id", Text, comment="Id of the first task at the service, to which the file is attached."),
    Column("discussion_id", Text, comment="Id of the first discussion at the service, to which the file is attached."),
    Column("comment_id", Text, comment="Id of the comment at the service, to which the file is attached."),
    Column("author_id", Text, comment="Id of the person at the service who uploaded the file."),
    Column("created_at", Timestamp, comment="When the file was uploaded."),
    Column("updated_at", Timestamp, comment="When the file was last changed."),
    Column("download_url", Text, comment="Where the service serves the contents; the link may expire."),
    Column("payload", JSONB, nullable=False, comment="The description of the file as served."),
    Column(
        "places",
        ARRAY(Text),
        nullable=False,
        comment="All places to which the file is attached, such as task/9; a file of ONLYOFFICE may have several.",
    ),
    Column("seen_at", Timestamp, nullable=False, comment="When this row was last written."),
    Column("deleted_at", Timestamp, comment="When a census no longer found the file; null while it is there."),
    Index("ix_service_files_task_id", "service", "task_id"),
    comment="One row per file of a project, task, discussion or comment at another service; filled by files sync.",
)


class ServiceFileRow(NamedTuple):
    service: str
    file_id: str
    name: str | None
    size_bytes: int | None
    media_type: str | None
    description: str | None
    project_id: str | None
    task_id: str | None
    discussion_id: str | None
    comment_id: str | None
    author_id: str | None
    created_at: datetime | None
    updated_at: datetime | None
    download_url: str | None
    payload: str
    places: tuple[str, ...]
    deleted_at: None = None


service_file_contents = Table(
    "service_file_contents",
    metadata,
    _service(),
    _file_id(),
    *contents_columns("service_file_contents"),
    comment="State of the contents of files at other services; filled by attachments download --service.",
)
