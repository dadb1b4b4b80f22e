"""The scopes of the page: everything, a form, or a project."""

from typing import Any

from pyrus_etl.reports.page.scopes import MOST_SCOPES, Scope, scopes


def row(form_id: int, project_id: int, above_id: int | None, tasks: int = 1, **names: str) -> dict[str, Any]:
    return {
        "form_id": form_id, "form": names.get("form"), "project_id": project_id, "tasks": tasks,
        "detailed": tasks - 1, "above_id": above_id,
    }  # fmt: skip


def named(found: list[Scope]) -> list[tuple[str, str, int]]:
    return [(scope.kind, scope.name, scope.tasks) for scope in found]


def test_a_project_counts_with_all_below_it() -> None:
    found, _ = scopes(
        [
            row(0, 21, 21, 5),
            row(0, 21, 20, 5),
            row(0, 20, 20, 2),
            row(7, 7, 7, 3, form="Invoices"),
        ],
        {7: "Invoices", 20: "Legal", 21: "Legal / Contracts"},
    )

    assert [scope.detailed for scope in found] == [7, 2, 5, 4]
    assert named(found) == [
        ("all", "Everything", 10),
        ("form", "Invoices", 3),
        ("form", "Without a form", 7),
        ("project", "Legal / Contracts", 5),
    ], "Legal has the tasks without a form and Invoices those of the form: neither is a choice of its own"


def test_tasks_in_no_project_are_in_everything_and_have_no_form() -> None:
    found, _ = scopes([row(0, 0, None, 4)], {})

    assert named(found) == [("all", "Everything", 4), ("form", "Without a form", 4)]


def test_missing_names_are_replaced_by_ids() -> None:
    found, _ = scopes([row(7, 0, None), row(8, 9, 9), row(8, 0, None)], {})

    assert [scope.name for scope in found] == ["Everything", "Form 7", "Form 8", "Project 9"]


def test_the_smallest_are_left_out() -> None:
    found, left_out = scopes([row(number, 0, None, number, form=f"Form {number:03}") for number in range(1, 151)], {})

    assert len(found) == MOST_SCOPES
    assert left_out == 150 - (MOST_SCOPES - 1)
    assert found[1].name == f"Form {left_out + 1:03}"


def test_without_tasks_everything_is_the_only_choice() -> None:
    assert named(scopes([], {})[0]) == [("all", "Everything", 0)]
