"""Projects: the tree that tasks are filed in."""

from __future__ import annotations

import msgspec


class Project(msgspec.Struct, frozen=True, gc=False):
    """A project with the chain of its parents; a root has none."""

    id: int | None = None
    name: str | None = None
    parent: Project | None = None
