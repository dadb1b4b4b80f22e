"""Reports while only registers and lists were read: tasks without notes, approvals and dates of closing."""

from decimal import Decimal

import pytest

from tests.reports.conftest import Reports
from tests.reports.world import BOB, NOW, note, on, task, utc

REGISTERED = """
    INSERT INTO pyrus.tasks (task_id, text, create_date, modified_date, is_closed, asap, is_any_rejected, form_id)
    VALUES (1, 'Open', '2026-03-02 09:00+00', '2026-03-05 09:00+00', false, false, false, 100),
           (2, 'Closed', '2026-03-02 09:00+00', '2026-03-04 09:00+00', true, false, false, 100)
"""
"""Two rows of a register: neither says when the second task was closed."""


@pytest.fixture
def registered(reports: Reports) -> Reports:
    reports.connection.execute(REGISTERED)
    return reports


def test_a_closed_task_is_closed_before_it_is_known_when(registered: Reports) -> None:
    columns = "task_id, state, is_closed, has_detail, close_date"
    states = [(1, "open", False, False, None), (2, "closed", True, False, None)]

    assert registered.ask(f"SELECT {columns} FROM current_tasks ORDER BY 1") == states
    assert registered.ask(f"SELECT {columns} FROM task_overview ORDER BY 1") == states


@pytest.mark.parametrize("view", ["aging_work", "silent_tasks", "overdue_tasks"])
def test_a_closed_task_is_in_no_report_of_open_ones(registered: Reports, view: str) -> None:
    registered.connection.execute("UPDATE pyrus.tasks SET due_date = '2026-03-05'")

    assert registered.ask(f"SELECT task_id FROM {view}") == [(1,)]


def test_a_closed_task_is_in_no_count_of_open_ones(registered: Reports) -> None:
    registered.connection.execute("UPDATE pyrus.tasks SET responsible_id = 2")
    registered.connection.execute("INSERT INTO pyrus.persons (person_id, last_name) VALUES (2, 'Baker')")
    registered.connection.execute("INSERT INTO pyrus.projects (project_id, name) VALUES (7, 'Legal')")
    registered.connection.execute("INSERT INTO pyrus.task_projects (task_id, project_id) VALUES (1, 7), (2, 7)")
    registered.connection.execute("UPDATE pyrus.tasks SET main_project_id = 7")

    assert registered.ask("SELECT sum(open) FROM backlog_age") == [(1,)]
    assert registered.ask("SELECT open_tasks FROM person_workload") == [(1,)]
    assert registered.ask("SELECT open_tasks, closed_tasks FROM project_summary") == [(1, 1)]
    assert registered.ask("SELECT open FROM flow_daily ORDER BY day DESC LIMIT 1") == [(1,)]


def test_the_last_change_of_a_closed_task_stands_for_its_unknown_closing(registered: Reports) -> None:
    assert registered.ask("SELECT change, changed_at, is_estimated FROM state_changes WHERE task_id = 2") == [
        ("created", utc("2026-03-02 09:00"), False),
        ("closed", utc("2026-03-04 09:00"), True),
    ]
    assert registered.ask("SELECT kind, events FROM workload_heatmap") == [("created", 2)]


def test_what_depends_on_notes_is_null_until_they_are_read(registered: Reports) -> None:
    overview = "age_hours, note_count, attachment_count, handoff_count, reopen_count, last_activity_at"
    cycle = "cycle_hours, open_hours, waiting_hours, reopen_count, first_action_at"

    assert registered.ask(f"SELECT {overview} FROM task_overview ORDER BY task_id") == [
        (Decimal("339.00"), None, None, None, None, utc("2026-03-05 09:00")),
        (None, None, None, None, None, utc("2026-03-04 09:00")),
    ]
    assert registered.ask(f"SELECT {cycle} FROM cycle_times") == [(None,) * 5] * 2
    assert registered.ask("SELECT FROM assignments") == registered.ask("SELECT FROM process_variants") == []


def test_a_closed_task_whose_closing_is_unknown_has_no_lateness(registered: Reports) -> None:
    registered.connection.execute("UPDATE pyrus.tasks SET due_date = '2026-03-03'")

    assert registered.ask("SELECT is_overdue, is_closed_late FROM task_overview ORDER BY task_id") == [
        (True, False),
        (False, None),
    ]


def test_whether_a_task_is_closed_decides_not_whether_it_has_a_date_of_closing(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", note("2026-03-03 09:00", BOB, ActivityAction="Complete"), DueDate=on(NOW[:10]))
    )
    reports.connection.execute("UPDATE pyrus.tasks SET is_closed = false")

    assert reports.ask("SELECT state, close_date FROM task_overview") == [("open", None)]
    assert reports.ask("SELECT change FROM state_changes") == [("created",)]
    assert reports.ask("SELECT open_hours FROM cycle_times") == [(339,)]
    assert reports.ask("SELECT is_current FROM assignments") == []


def test_a_task_of_a_form_that_is_in_no_list_counts_in_its_form_as_through_api_v3(registered: Reports) -> None:
    registered.connection.execute(
        "INSERT INTO pyrus.projects (project_id, name, kind) VALUES (100, 'Invoices', 'form')"
    )

    assert registered.ask("SELECT project, task_count, direct_task_count, open_tasks FROM project_summary") == [
        ("Invoices", 2, 2, 1)
    ]
    assert registered.ask("SELECT project_id, task_id, is_direct FROM project_tasks ORDER BY 2") == [
        (100, 1, True),
        (100, 2, True),
    ]
