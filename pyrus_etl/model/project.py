"""Projects: the tree that tasks are filed in."""

from __future__ import annotations

import msgspec


class Project(msgspec.Struct, frozen=True, gc=False):
    """A project with the chain of its parents; a root has none."""

    id: int | None = None
    name: str | None = None
    parent: Project | None = None


class List(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A project in the tree of lists. Its `version` moves when it is renamed, not when a task is filed in it."""

    id: int
    name: str | None = None
    parent_id: int | None = None
    list_type: str | None = None
    version: int | None = None
    deleted: bool = False
    is_form: bool = False
