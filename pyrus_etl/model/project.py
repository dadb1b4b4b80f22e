"""Projects: the tree that tasks are filed in."""

from __future__ import annotations

import msgspec

from pyrus_etl.model.values import Id


class Project(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A project with the chain of its parents; a root has none."""

    id: Id | None = None
    name: str | None = None
    parent: Project | None = None
