"""Declarations of the tables, each beside the type of its rows. Alembic migrates to exactly these."""

from pyrus_etl.schema import (
    attachment,
    catalog,
    copy,
    definition,
    form,
    note,
    operation,
    outbox,
    person,
    project,
    raw,
    report,
    service,
    task,
    working,
)
from pyrus_etl.schema.metadata import REPORT_SCHEMA, SCHEMA, metadata

__all__ = [
    "REPORT_SCHEMA",
    "SCHEMA",
    "attachment",
    "catalog",
    "copy",
    "definition",
    "form",
    "metadata",
    "note",
    "operation",
    "outbox",
    "person",
    "project",
    "raw",
    "report",
    "service",
    "task",
    "working",
]
