"""Bodies as Pyrus served them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Boolean, Column, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from pyrus_etl.schema.metadata import Timestamp, owned_table

READER = 2
"""Version of the code that turns a stored body into rows. Raise it when a change gives other rows for the same body:
`check` then asks for `db rebuild`, and a test asks for the new rows."""


raw_tasks = owned_table(
    "raw_tasks",
    Column(
        "payload",
        JSONB,
        nullable=False,
        comment="The body as served, including the parts that the connector does not know.",
    ),
    Column(
        "payload_sha256",
        Text,
        nullable=False,
        comment="SHA-256 of the body's bytes; if it is the same, nothing has changed.",
    ),
    Column("fetched_at", Timestamp, nullable=False, comment="When this body was fetched."),
    Column(
        "served_at",
        Timestamp,
        comment="When it was served, by the server's clock: an older body of another account does not replace it.",
    ),
    Column(
        "is_doubted",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether the body may be older than the task; if so, the next run fetches it again.",
    ),
    Column(
        "is_overtaken",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether a part of the task that was served later is in its rows; then db rebuild leaves them alone.",
    ),
    Column("api", Text, nullable=False, server_default=text("'v3'"), comment="The API that served the body: v3 or v4."),
    Column(
        "read_by",
        SmallInteger,
        nullable=False,
        server_default=text("0"),
        comment="Version of the reader that made the rows; if it is older than the program's, run db rebuild.",
    ),
    Index("ix_raw_tasks_read_by", "read_by"),
    Index("ix_raw_tasks_doubted", "task_id", postgresql_where=text("is_doubted")),
    comment="The body of every task as served. An unchanged body is not written again.",
)


class RawTaskRow(NamedTuple):
    task_id: int
    payload: bytes
    payload_sha256: str
    fetched_at: datetime
    served_at: datetime | None
    is_doubted: bool
    is_overtaken: bool
    api: str
    read_by: int
