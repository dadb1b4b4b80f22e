"""The form of a task: Pyrus does not serve it, so it is inferred from the projects in which the task is filed."""

import pytest

from pyrus_etl.model.project import Project
from pyrus_etl.normalize.project import form_of
from tests.normalize.reading import read, task_body
from tests.oracle import TASK_COLUMNS

FORM = Project(id=100, name="Invoices")
OTHER = Project(id=200, name="Legal")
BELOW = Project(id=201, name="Contracts", parent=OTHER)
DEEP = Project(id=202, name="2026", parent=BELOW)
NO_ID = Project(name="hidden")


@pytest.mark.parametrize(
    ("filed_in", "form"),
    [
        ([FORM], 100),
        ([FORM, OTHER], 100),
        ([BELOW, FORM], 100),  # the first that is a root, at any place
        ([BELOW], 200),  # else the root above the first
        ([DEEP, Project(id=301, parent=FORM)], 200),
        ([None, FORM], 100),
        ([NO_ID, BELOW], 200),
        ([Project(id=301, parent=NO_ID)], 301),  # as far up as projects are given
        ([NO_ID], None),
        ([], None),
        (None, None),
    ],
)
def test_the_form_is_the_first_root_among_the_projects_or_the_root_above_the_first(
    filed_in: list[Project | None] | None, form: int | None
) -> None:
    assert form_of(filed_in, {}) == form


@pytest.mark.parametrize(
    ("overrides", "form"),
    [
        ({100: 7}, 7),
        ({200: 8}, 8),  # an override of a project above
        ({201: 9, 200: 8}, 9),  # the nearest counts
        ({202: 9, 100: 7}, 9),  # with several projects, the first one that has an override
        ({100: None}, None),  # an override: no form
        ({999: 7}, 100),
    ],
)
def test_an_override_of_a_project_or_of_one_above_it_comes_first(
    overrides: dict[int, int | None], form: int | None
) -> None:
    assert form_of([DEEP, FORM], overrides) == form


@pytest.mark.parametrize("form", [[], [None], None])
def test_a_task_without_form_values_has_no_form(form: list[None] | None) -> None:
    tables = read(task_body(Projects=[{"Id": 100}], Form=form)).tables

    assert dict(zip(TASK_COLUMNS.split(), tables["tasks"][1,], strict=True))["form_id"] is None
    assert tables["form_fields"] == {}
