"""Projects: shared between tasks, so they are merged and never deleted."""

from typing import NamedTuple

from sqlalchemy import Column, Index, Table, Text

from pyrus_etl.schema.metadata import bigint, key, metadata

projects = Table(
    "projects",
    metadata,
    key("project_id", "Id of the project in Pyrus; a form is a project too."),
    Column("name", Text, comment="Its name."),
    bigint("parent_id", "The project above it; null for a root. Kept where it is not told again."),
    Index(None, "parent_id"),
    comment="Every project met in a task, with its chain of parents.",
)


class ProjectRow(NamedTuple):
    project_id: int
    name: str | None
    parent_id: int | None
