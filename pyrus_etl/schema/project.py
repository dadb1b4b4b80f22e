"""Projects: shared between tasks, so they are merged and never deleted."""

from typing import NamedTuple

from sqlalchemy import Boolean, Column, Index, Table, Text

from pyrus_etl.schema.metadata import bigint, key, metadata

projects = Table(
    "projects",
    metadata,
    key("project_id", "Id of the project in Pyrus; a form is also a project."),
    Column("name", Text, comment="Name of the project."),
    bigint("parent_id", "Id of the parent project; null for a root. The value stays if it is no longer served."),
    Column("kind", Text, comment="list or form; null if API v4 has not listed the project."),
    Column("list_type", Text, comment="Type of a list as served: private or org_wide."),
    bigint("version", "Version of the list itself: it changes when the list is renamed, not when its tasks change."),
    Column(
        "deleted",
        Boolean,
        comment="Whether it was deleted: Pyrus says so, or no longer lists it; null if API v4 never listed it.",
    ),
    Index(None, "parent_id"),
    comment="Every project seen in a task, with its chain of parents; through API v4 also every list and form.",
)


class ProjectRow(NamedTuple):
    project_id: int
    name: str | None
    parent_id: int | None
    kind: str | None = None
    list_type: str | None = None
    version: int | None = None
    deleted: bool | None = None
