"""The state of projects: project_summary, project_tasks, project_tree."""

from decimal import Decimal

from tests.reports.conftest import Reports
from tests.reports.world import CONTRACTS, INVOICES, LEGAL, note, on, task, utc


def _closed(task_id: int, created: str, closed: str, due: str | None = None) -> dict[str, object]:
    ended = note(closed, ActivityAction="Complete")
    return task(task_id, created, ended, Projects=[CONTRACTS], **({"DueDate": on(due)} if due else {}))


def test_a_task_counts_once_in_its_project_and_once_in_each_above(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", Projects=[CONTRACTS]),
        task(2, "2026-03-02 09:00", Projects=[LEGAL, CONTRACTS, INVOICES]),
    )

    assert reports.ask("SELECT project_id, task_id, is_direct FROM project_tasks ORDER BY 1, 2") == [
        (INVOICES["Id"], 2, True),
        (LEGAL["Id"], 1, False),
        (LEGAL["Id"], 2, True),
        (CONTRACTS["Id"], 1, True),
        (CONTRACTS["Id"], 2, True),
    ]


def test_a_tree_has_each_project_with_itself_and_all_below_it(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", Projects=[{"Id": 7, "Name": "2026", "Parent": CONTRACTS}, INVOICES]))

    assert reports.ask("SELECT project_id, below_id FROM project_tree ORDER BY 1, 2") == [
        (7, 7),
        (INVOICES["Id"], INVOICES["Id"]),
        (LEGAL["Id"], 7),
        (LEGAL["Id"], LEGAL["Id"]),
        (LEGAL["Id"], CONTRACTS["Id"]),
        (CONTRACTS["Id"], 7),
        (CONTRACTS["Id"], CONTRACTS["Id"]),
    ]


def test_projects_in_a_cycle_have_paths_too(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", Projects=[LEGAL, CONTRACTS, INVOICES]))
    reports.ask(
        f"UPDATE pyrus.projects SET parent_id = {LEGAL['Id'] + INVOICES['Id']} - project_id "
        f"WHERE project_id <> {CONTRACTS['Id']} RETURNING 1"
    )

    assert reports.ask("SELECT project_id, path, root_id, depth FROM project_paths ORDER BY 1") == [
        (INVOICES["Id"], "Invoices", INVOICES["Id"], 1),
        (LEGAL["Id"], "Legal", LEGAL["Id"], 1),
        (CONTRACTS["Id"], "Contracts", CONTRACTS["Id"], 1),
    ]
    assert reports.ask("SELECT project_id, task_count FROM project_summary ORDER BY 1") == [
        (INVOICES["Id"], 1),
        (LEGAL["Id"], 1),
        (CONTRACTS["Id"], 1),
    ]
    assert reports.ask("SELECT project FROM task_overview") == [("Legal",)]


def test_projects_in_a_cycle_contain_each_other_once(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", Projects=[LEGAL, INVOICES]))
    reports.ask(f"UPDATE pyrus.projects SET parent_id = {LEGAL['Id'] + INVOICES['Id']} - project_id RETURNING 1")

    assert reports.ask("SELECT count(*), count(DISTINCT (project_id, below_id)) FROM project_tree") == [(4, 4)]
    assert reports.ask("SELECT project_id, task_id, is_direct FROM project_tasks ORDER BY 1") == [
        (INVOICES["Id"], 1, True),
        (LEGAL["Id"], 1, True),
    ]


def test_a_project_counts_the_tasks_in_it_and_below_it(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", Projects=[CONTRACTS], DueDate=on("2026-03-15")),
        task(2, "2026-01-05 09:00", Projects=[LEGAL], DueDate=on("2026-03-16")),
        _closed(3, "2026-03-01 09:00", "2026-03-02 09:00", due="2026-03-01"),
        _closed(4, "2026-01-01 09:00", "2026-01-01 19:00", due="2026-01-01"),
    )

    assert reports.ask("""
        SELECT project, task_count, direct_task_count, open_tasks, overdue_tasks, closed_tasks,
               closed_late_share, created_30_days, closed_30_days, oldest_open_create_date
        FROM project_summary ORDER BY project_id
    """) == [
        ("Legal", 4, 1, 2, 1, 2, Decimal("0.5"), 2, 1, utc("2026-01-05 09:00")),
        ("Legal / Contracts", 3, 3, 1, 1, 2, Decimal("0.5"), 2, 1, utc("2026-03-02 09:00")),
    ]


def test_a_task_in_several_projects_counts_once_in_each_and_a_deleted_one_in_none(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", Projects=[LEGAL, CONTRACTS, INVOICES]),
        task(2, "2026-03-02 09:00", Projects=[LEGAL]),
    )
    reports.ask("UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = 2 RETURNING 1")

    assert reports.ask("SELECT project, task_count, direct_task_count FROM project_summary ORDER BY 1") == [
        ("Invoices", 1, 1),
        ("Legal", 1, 1),
        ("Legal / Contracts", 1, 1),
    ]


def test_cycle_times_are_percentiles(reports: Reports) -> None:
    reports.load(*(_closed(hours, "2026-03-02 00:00", f"2026-03-02 {hours:02}:00") for hours in (1, 2, 3, 4, 20)))

    assert reports.ask("""
        SELECT project, cycle_p50_hours, cycle_p85_hours, cycle_p95_hours, last_modified_date
        FROM project_summary WHERE project_id = 201
    """) == [("Legal / Contracts", 3, Decimal("10.40"), Decimal("16.80"), utc("2026-03-02 20:00"))]
