"""The state of tasks: task_overview, overdue_tasks, silent_tasks, reopened_tasks, deleted_tasks."""

from datetime import date
from decimal import Decimal

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, CONTRACTS, DAN, INVOICES, approval, both_apis, note, on, task, utc, value

INVOICE = {"Form": [value(1, "Text", "Subject", "Desk")], "Projects": [INVOICES, CONTRACTS], "Responsible": BOB}


def test_a_task_has_its_names_form_and_all_its_projects(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", ParentTaskId=2, **INVOICE), task(2, "2026-03-01 09:00"))

    assert reports.ask("""
        SELECT task_id, text, state, form, project, project_ids, projects, author, responsible, parent_text, link
        FROM task_overview ORDER BY task_id
    """) == [
        (1, "Task 1", "open", "Invoices", "Invoices", [100, 201], "Invoices; Legal / Contracts",
         "Ann Archer", "Bob Baker", "Task 2", "https://pyrus.com/t#id1"),
        (2, "Task 2", "open", None, None, None, None, "Ann Archer", None, None, "https://pyrus.com/t#id2"),
    ]  # fmt: skip


def test_age_runs_to_now_or_to_the_close_and_lateness_is_counted_in_days(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", DueDate=on("2026-03-10")),
        task(2, "2026-03-02 09:00", note("2026-03-03 21:00", ActivityAction="Complete"), DueDate=on("2026-03-02")),
        task(3, "2026-03-16 00:00", DueDate=on("2026-03-16")),
    )

    assert reports.ask("""
        SELECT task_id, state, age_hours, age_days, is_overdue, days_overdue, is_closed_late
        FROM task_overview ORDER BY task_id
    """) == [
        (1, "open", 339, Decimal("14.13"), True, 6, False),
        (2, "closed", 36, Decimal("1.50"), False, None, True),
        (3, "open", 12, Decimal("0.50"), False, None, False),
    ]


def test_days_begin_in_the_time_zone_of_the_reports(reports: Reports) -> None:
    reports.load(task(1, "2026-03-16 00:00", DueDate=on("2026-03-16")))
    reports.connection.execute("UPDATE pyrus.report_settings SET time_zone = 'Pacific/Kiritimati'")

    assert reports.ask("SELECT is_overdue, days_overdue FROM task_overview") == [(True, 1)]
    assert reports.ask("SELECT task_id, days_overdue FROM overdue_tasks") == [(1, 1)]


def test_an_open_task_waits_for_the_approvers_of_its_step_else_for_the_responsible(
    reports: Reports,
) -> None:
    opening, ended = note("2026-03-02 09:00"), note("2026-03-03 09:00", ActivityAction="Complete")
    first = [approval(BOB, "Approved"), approval(CAT), approval(DAN)]
    reports.load(
        task(1, "2026-03-02 09:00", opening, Approvals=[None, first, [approval(ANN)]], Responsible=BOB),
        task(2, "2026-03-02 09:00", opening, Approvals=[[approval(CAT, "Approved")]], Responsible=BOB),
        task(3, "2026-03-02 09:00", opening, ended, Approvals=[[approval(CAT)]], Responsible=BOB),
    )

    assert reports.ask("""
        SELECT task_id, approval_step_no, waiting_for_ids, waiting_for FROM task_overview ORDER BY task_id
    """) == [
        (1, 2, [3, 4], "Cat Cooper, Dan Dyer"),
        (2, None, [2], "Bob Baker"),
        (3, None, None, None),
    ]


@both_apis
def test_notes_and_files_are_counted_and_the_last_and_the_first_foreign_note_are_named(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 09:00", ReassignedTo=BOB),
            note("2026-03-02 10:00", Text="More to follow.", Attachments=[{"Id": 7, "Name": "a.pdf"}]),
            note("2026-03-04 12:00", BOB, ReassignedTo=CAT),
        )
    )

    assert reports.ask("""
        SELECT note_count, attachment_count, last_activity_at, last_activity_by, first_response_at,
               first_response_hours, handoff_count, reopen_count
        FROM task_overview
    """) == [(3, 1, utc("2026-03-04 12:00"), "Bob Baker", utc("2026-03-04 12:00"), 51, 1, 0)]


@both_apis
def test_handoffs_are_those_of_the_assignments(reports: Reports) -> None:
    """Naming the responsible again is not a handoff; the first one named has no known predecessor."""
    given = [(10, BOB), (11, BOB), (12, CAT), (13, CAT), (14, BOB)]
    ways = (note(f"2026-03-02 {hour}:00", ReassignedTo=person) for hour, person in given)
    reports.load(
        task(1, "2026-03-02 09:00", note("2026-03-02 09:00", Text="Whose is it?"), *ways),
        task(2, "2026-03-02 09:00", Responsible=BOB),
    )

    assert reports.ask("SELECT task_id, handoff_count FROM task_overview ORDER BY 1") == [(1, 2), (2, 0)]
    assert reports.ask("SELECT task_id, max(handoff_no) FROM assignments GROUP BY 1 ORDER BY 1") == [(1, 2), (2, 0)]


@both_apis
def test_the_first_due_day_is_the_first_that_a_note_sets(reports: Reports) -> None:
    """Once a note has changed the due day, Pyrus no longer serves the original one."""
    moved = note("2026-02-09 09:00", DueDateChanged=on("2026-02-20"))
    reports.load(task(1, "2026-02-01 09:00", moved, DueDate=on("2026-02-20")))

    assert reports.ask("SELECT first_due_date, postponed_count FROM overdue_tasks") == [(date(2026, 2, 20), 0)]


@both_apis
def test_overdue_tasks_are_open_and_show_how_often_they_were_postponed(reports: Reports) -> None:
    plan = [
        note("2026-02-01 09:00", DueDateChanged=on("2026-02-10")),
        note("2026-02-09 09:00", DueDateChanged=on("2026-02-20")),
        note("2026-02-12 09:00", DueDateChanged=on("2026-02-14")),
    ]
    reports.load(
        task(1, "2026-02-01 09:00", *plan, DueDate=on("2026-02-14"), Responsible=BOB),
        task(2, "2026-02-01 09:00", DueDate=on("2026-03-15")),
        task(3, "2026-02-01 09:00", DueDate=on("2026-03-16")),
        task(4, "2026-02-01 09:00", note("2026-03-16 09:00", ActivityAction="Complete"), DueDate=on("2026-03-01")),
    )

    assert reports.ask("""
        SELECT task_id, responsible, days_overdue, overdue_by, first_due_date, postponed_count
        FROM overdue_tasks ORDER BY task_id
    """) == [
        (1, "Bob Baker", 30, "2: to 30 days", date(2026, 2, 10), 1),
        (2, None, 1, "1: to a week", date(2026, 3, 15), 0),
    ]


def test_a_task_is_silent_when_it_is_open_and_its_last_note_is_more_than_a_week_old(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-01 12:00", note("2026-03-06 12:00", CAT), Responsible=BOB, Approvals=[[approval(DAN)]]),
        task(2, "2026-03-01 00:00"),
        task(3, "2026-03-01 12:00", note("2026-03-09 12:00")),
        task(4, "2026-03-01 12:00", note("2026-03-02 12:00", ActivityAction="Complete")),
    )

    assert reports.ask("""
        SELECT task_id, waiting_for, silent_since, last_activity_by, days_silent FROM silent_tasks ORDER BY task_id
    """) == [
        (1, "Dan Dyer", utc("2026-03-06 12:00"), "Cat Cooper", 10),
        (2, None, utc("2026-03-01 00:00"), None, Decimal("15.50")),
    ]


@both_apis
def test_a_reopened_task_shows_how_long_it_was_closed_and_how_long_the_work_went_on(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-03 09:00", BOB, ActivityAction="Complete"),
            note("2026-03-03 15:00", CAT, ActivityAction="Reopen"),
            note("2026-03-04 09:00", BOB, ActivityAction="MarkAsDuplicate"),
            note("2026-03-04 10:00", DAN, ActivityAction="Reopen"),
            note("2026-03-04 15:00", BOB, ActivityAction="Complete"),
        ),
        task(2, "2026-03-02 09:00", note("2026-03-03 09:00", ActivityAction="Complete")),
    )

    assert reports.ask("""
        SELECT task_id, state, reopen_count, first_close_date, last_reopened_at, last_reopened_by,
               first_closed_hours, reworked_hours
        FROM reopened_tasks
    """) == [(1, "closed", 2, utc("2026-03-03 09:00"), utc("2026-03-04 10:00"), "Dan Dyer", 6, 24)]


@both_apis
def test_only_closed_tasks_are_reopened(reports: Reports) -> None:
    twice = ("Complete", 2), ("Complete", 4), ("Reopen", 5), ("Reopen", 6)
    changes = (note(f"2026-03-0{day} 09:00", ActivityAction=action) for action, day in twice)
    reports.load(
        task(1, "2026-03-01 09:00", *changes),
        task(2, "2026-03-01 09:00", note("2026-03-02 09:00", ActivityAction="Reopen")),
    )

    assert reports.ask("SELECT task_id, reopen_count, first_close_date, first_closed_hours FROM reopened_tasks") == [
        (1, 1, utc("2026-03-02 09:00"), 72)
    ]
    for view in ("task_overview", "cycle_times"):
        assert reports.ask(f"SELECT task_id, reopen_count FROM {view} ORDER BY 1") == [(1, 1), (2, 0)]


def test_the_last_activity_is_the_last_by_its_date(reports: Reports) -> None:
    undated = note("2026-03-15 09:00", CAT) | {"CreateDate": None}
    reports.load(
        task(1, "2026-03-01 09:00", note("2026-03-15 09:00", BOB), undated),
        task(2, "2026-03-01 09:00", note("2026-03-15 09:00", BOB), note("2026-03-02 09:00", CAT)),
        task(3, "2026-03-01 09:00", undated),
    )

    assert reports.ask("SELECT last_activity_at, last_activity_by FROM task_overview ORDER BY task_id") == [
        (utc("2026-03-15 09:00"), "Bob Baker"),
        (utc("2026-03-15 09:00"), "Bob Baker"),
        (utc("2026-03-01 09:00"), "Cat Cooper"),
    ]
    assert reports.ask("SELECT task_id FROM silent_tasks") == [(3,)]


def test_a_deleted_task_appears_among_the_deleted_ones_only(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", note("2026-03-03 09:00"), **INVOICE), task(2, "2026-03-02 09:00"))
    reports.connection.execute("UPDATE pyrus.tasks SET deleted_at = '2026-03-10 00:00+00' WHERE task_id = 1")

    assert reports.ask("SELECT task_id FROM task_overview") == [(2,)]
    assert reports.ask("""
        SELECT task_id, text, state, form, project, author, responsible, deleted_at, note_count, attachment_count
        FROM deleted_tasks
    """) == [
        (1, "Task 1", "open", "Invoices", "Invoices", "Ann Archer", "Bob Baker", utc("2026-03-10 00:00"), 1, 0),
    ]
