"""Projects: shared between tasks, so they are merged and never deleted."""

from typing import NamedTuple

from sqlalchemy import Column, Index, Table, Text

from pyrus_etl.schema.metadata import bigint, key, metadata

projects = Table(
    "projects",
    metadata,
    key("project_id", "Id of the project in Pyrus; a form is also a project."),
    Column("name", Text, comment="Name of the project."),
    bigint("parent_id", "Id of the parent project; null for a root. The value stays if it is no longer served."),
    Index(None, "parent_id"),
    comment="Every project seen in a task, with its chain of parents.",
)


class ProjectRow(NamedTuple):
    project_id: int
    name: str | None
    parent_id: int | None
