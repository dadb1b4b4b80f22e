"""The projects: departments, their teams and lists, and a root project for each form."""

from __future__ import annotations

from typing import Any

import msgspec

DEPARTMENTS = {
    "Operations": ("Logistics", "Quality"),
    "Commercial": ("Key Accounts", "Partner Sales"),
    "Technology": ("Platform", "Workplace IT"),
}
LISTS = ("Backlog", "Recurring")
FIRST_ID = 100


class Project(msgspec.Struct, frozen=True):
    """A project; `json` is its JSON, with all its ancestors."""

    id: int
    name: str
    parent: Project | None
    json: msgspec.Raw

    def chain(self) -> set[int]:
        """The ids of the project and of all its ancestors."""
        return {self.id} | (self.parent.chain() if self.parent else set())


def project(number: int, name: str, parent: Project | None = None) -> Project:
    written: dict[str, Any] = {"Id": number, "Name": name}
    if parent:
        written["Parent"] = parent.json
    return Project(number, name, parent, msgspec.Raw(msgspec.json.encode(written)))


def form_lists(root: Project, names: tuple[str, ...]) -> tuple[Project, ...]:
    """The lists of a form: projects below a project "Categories" below the form's root project."""
    categories = project(root.id + 1, "Categories", root)
    return tuple(project(root.id + 2 + place, name, categories) for place, name in enumerate(names))


def department_lists() -> tuple[Project, ...]:
    """The lists of plain tasks: the third level of the tree, below departments and teams."""
    found = []
    for row, (department, teams) in enumerate(DEPARTMENTS.items()):
        root = project(FIRST_ID + row, department)
        for column, team in enumerate(teams):
            middle = project(FIRST_ID + 100 + row * 10 + column, team, root)
            start = FIRST_ID + 1000 + (row * 10 + column) * 10
            found += [project(start + place, name, middle) for place, name in enumerate(LISTS)]
    return tuple(found)


BOARD = department_lists()
