"""Where tasks are filed: departments, their teams and lists; and a root project for every form."""

from __future__ import annotations

from typing import Any

import msgspec

DEPARTMENTS = {
    "Operations": ("Plant Maintenance", "Logistics", "Quality"),
    "Commercial": ("Key Accounts", "Marketing", "Partner Sales"),
    "People & Culture": ("Recruiting", "Learning", "Office"),
    "Technology": ("Platform", "Workplace IT", "Business Systems"),
}
LISTS = ("Backlog", "This quarter", "Recurring")
FIRST_ID = 100


class Project(msgspec.Struct, frozen=True):
    """A project; `json` is its JSON with the whole chain of parents."""

    id: int
    name: str
    parent: Project | None
    json: msgspec.Raw

    def chain(self) -> set[int]:
        """Its own id and those of all above it."""
        return {self.id} | (self.parent.chain() if self.parent else set())


def project(number: int, name: str, parent: Project | None = None) -> Project:
    written: dict[str, Any] = {"Id": number, "Name": name}
    if parent:
        written["Parent"] = parent.json
    return Project(number, name, parent, msgspec.Raw(msgspec.json.encode(written)))


def form_lists(root: Project, names: tuple[str, ...]) -> tuple[Project, ...]:
    """The lists of a form: items of a list under the form's own root project."""
    shelf = project(root.id + 1, "Categories", root)
    return tuple(project(root.id + 2 + place, name, shelf) for place, name in enumerate(names))


def department_lists() -> tuple[Project, ...]:
    """The third level of the tree of departments: the lists plain tasks stand in."""
    found = []
    for row, (department, teams) in enumerate(DEPARTMENTS.items()):
        root = project(FIRST_ID + row, department)
        for column, team in enumerate(teams):
            middle = project(FIRST_ID + 100 + row * 10 + column, team, root)
            start = FIRST_ID + 1000 + (row * 10 + column) * 10
            found += [project(start + place, name, middle) for place, name in enumerate(LISTS)]
    return tuple(found)


BOARD = department_lists()
