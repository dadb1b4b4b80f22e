"""The structs of form fields in API v4 as served, and of the values that are objects.

The types are on https://pyrus.com/en/help/api/fields. Every property may be missing or null, and any element of an
array may be null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pyrus_etl.extract.v4.wire.directory import Id
from pyrus_etl.extract.v4.wire.whole import Whole
from pyrus_etl.model import attachment, project


class Field(msgspec.Struct, gc=False):
    """A field of a form with its value, whose shape depends on the type."""

    id: Id | None = None
    type: str | None = None
    name: str | None = None
    parent_id: Id | None = None
    row_id: Id | None = None
    value: Any = None
    duration: Any = None


class Attachment(
    attachment.Attachment,
    frozen=True,
    gc=False,
    rename={"download_url": "url", "existing_id": "root_id", "md5_hash": "md5"},
):
    id: Id | None = None
    name: str | None = None
    size: Whole | None = None
    download_url: str | None = None
    existing_id: Id | None = None
    md5_hash: str | None = None
    version: Id | None = None


class Catalog(msgspec.Struct, gc=False):
    """`item_id` and `values` are older: they show one item only."""

    item_id: Id | None = None
    item_ids: Sequence[Id | None] | None = None
    item_names: Sequence[str | None] | None = None
    headers: Sequence[Any] | None = None
    values: Sequence[Any] | None = None
    rows: Sequence[Sequence[Any] | None] | None = None


class Choices(msgspec.Struct, gc=False):
    choice_id: Id | None = None
    choice_ids: Sequence[Id | None] | None = None
    choice_names: Sequence[str | None] | None = None


class Tasks(msgspec.Struct, gc=False):
    task_id: Id | None = None
    task_ids: Sequence[Id | None] | None = None
    subject: str | None = None


class Project(project.Project, frozen=True, gc=False):
    id: Id | None = None
    name: str | None = None
    parent: Project | None = None


class Projects(msgspec.Struct, gc=False):
    projects: Sequence[Project | None] | None = None


class Title(msgspec.Struct, gc=False):
    """A section; the fields in it are read apart."""

    checkmark: Any = None


class Row(msgspec.Struct, gc=False):
    """A row of a table field; a note may delete one. Its cells are fields."""

    row_id: Id | None = None
    position: Any = None
    deleted: Any = None
