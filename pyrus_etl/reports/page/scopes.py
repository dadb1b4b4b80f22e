"""The choices of the filter: everything, one form, or one project with all projects below it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

MOST_SCOPES = 100

Place = tuple[int, int]
"""A form and a main project; 0 if there is none."""


class Scope(msgspec.Struct, frozen=True):
    """One choice of the filter, the places whose tasks are in it, and how many of these were read in detail."""

    kind: str  # all, form or project
    id: int
    """The form's or project's id; 0 for everything, and for tasks without a form."""
    name: str
    places: frozenset[Place]
    tasks: int
    detailed: int


def scopes(rows: list[dict[str, Any]], paths: Mapping[int, str]) -> tuple[list[Scope], int]:
    """Returns everything, then forms and projects by name; and how many are left out because they have few tasks.

    `rows` come from queries/places.sql, the paths of projects from queries/paths.sql. A project with exactly the
    tasks of a form is left out, because the form shows them.
    """
    sizes: dict[Place, int] = {}
    detailed: dict[Place, int] = {}
    places: dict[tuple[str, int], set[Place]] = defaultdict(set)
    names: dict[tuple[str, int], str] = {}
    for row in rows:
        place = (row["form_id"], row["project_id"])
        sizes[place], detailed[place] = row["tasks"], row["detailed"]
        form = ("form", row["form_id"])
        places[form].add(place)
        names[form] = row["form"] or ("Form {}".format(*place) if place[0] else "Without a form")
        if row["above_id"] is not None:
            project = ("project", row["above_id"])
            places[project].add(place)
            names[project] = paths.get(row["above_id"]) or f"Project {row['above_id']}"
    forms = {frozenset(found) for (kind, _), found in places.items() if kind == "form"}
    narrower = [
        Scope(*key, names[key], frozenset(found), *(sum(map(each.__getitem__, found)) for each in (sizes, detailed)))
        for key, found in places.items()
        if key[0] == "form" or frozenset(found) not in forms
    ]
    narrower.sort(key=lambda scope: -scope.tasks)
    chosen = sorted(narrower[: MOST_SCOPES - 1], key=lambda scope: (scope.kind, scope.name.casefold()))
    everything = Scope("all", 0, "Everything", frozenset(sizes), sum(sizes.values()), sum(detailed.values()))
    return [everything, *chosen], len(narrower) - len(chosen)
