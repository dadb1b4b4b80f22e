"""The lists of the organisation as a tree; what API v3 calls a project is a list or a form."""

from __future__ import annotations

from typing import Any

from pyrus_etl.sandbox.organisation.forms import COST_CENTRES, KINDS, QUEUES, REGIONS
from pyrus_etl.sandbox.organisation.projects import BOARD, Project

Json = dict[str, Any]

FIRST_VERSION = 1_310_000_000
LEAVES = (*BOARD, *COST_CENTRES, *REGIONS, *QUEUES)


def ancestors(project: Project) -> list[Project]:
    """The project and those above it, the root first."""
    return [*(ancestors(project.parent) if project.parent else []), project]


LISTS = {project.id: project for leaf in LEAVES for project in ancestors(leaf)}
FORMS = {kind.project.id: kind.project for kind in KINDS if kind.project}


def children(parent: int | None) -> list[Project]:
    """The lists directly below a list; those at the root, if None. The lists of a form are at the root too."""
    lists = [one for one in LISTS.values() if one.id not in FORMS]
    if parent is None:
        return [one for one in lists if one.parent is None or one.parent.id in FORMS]
    return [one for one in lists if one.parent and one.parent.id == parent]


def below(list_id: int) -> set[int]:
    """The list and all lists below it."""
    return {list_id}.union(*(below(child.id) for child in children(list_id)))


def shown(project: Project) -> Json:
    """A list with those below it; without any, the key is left out."""
    written: Json = {
        "id": project.id,
        "name": project.name,
        "version": FIRST_VERSION + project.id % 1_000_000,
        "list_type": "org_wide",
    }
    if project.parent:
        written["parent_id"] = project.parent.id
    inside = [shown(child) for child in children(project.id)]
    return written | {"children": inside} if inside else written


def lists(forms: list[Json]) -> Json:
    """The answer to GET lists; these forms are lists too."""
    roots = {"version": FIRST_VERSION, "list_type": "org_wide", "has_form": True}
    return {
        "lists": [
            *(shown(one) for one in children(None)),
            *({"id": form["id"], "name": form["name"]} | roots for form in forms),
        ]
    }
