"""The hours of the week at which work is done."""

from tests.reports.conftest import Reports
from tests.reports.world import BOB, CONTRACTS, INVOICES, note, task, value

HOURS = "SELECT month::text, weekday, hour, kind, events FROM workload_heatmap ORDER BY 1, 2, 3, 4"


def test_notes_and_changes_of_state_are_counted_by_month_weekday_and_hour(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:59", note("2026-03-02 09:59"), note("2026-03-15 23:00", ActivityAction="Complete")),
        task(2, "2026-03-09 09:00", note("2026-03-09 09:00"), note("2026-04-06 09:00", BOB)),
    )

    assert reports.ask(HOURS) == [
        ("2026-03-01", 1, 9, "created", 2),
        ("2026-03-01", 1, 9, "note", 2),
        ("2026-03-01", 7, 23, "closed", 1),
        ("2026-03-01", 7, 23, "note", 1),
        ("2026-04-01", 1, 9, "note", 1),
    ]


def test_weekdays_and_hours_are_those_of_the_time_zone(reports: Reports) -> None:
    reports.set_time_zone("Europe/Moscow")
    reports.load(task(1, "2026-02-28 21:30"))  # already Sunday, the 1st of March

    assert reports.ask(HOURS) == [("2026-03-01", 7, 0, "created", 1)]


def test_the_hour_that_clocks_show_twice_holds_both(reports: Reports) -> None:
    reports.set_time_zone("America/New_York")  # 05:30 and 06:30 UTC are both 01:30 on the 2nd of November 2025
    reports.load(task(1, "2025-11-02 05:30"), task(2, "2025-11-02 06:30"), task(3, "2025-11-02 07:30"))

    assert reports.ask(HOURS) == [("2025-11-01", 7, 1, "created", 2), ("2025-11-01", 7, 2, "created", 1)]


def test_events_count_for_the_form_and_the_main_project_of_their_task(reports: Reports) -> None:
    form = [value(1, "Text", "Subject", "Paper")]
    reports.load(
        task(1, "2026-03-02 09:00", Projects=[INVOICES, CONTRACTS], Form=form),
        task(2, "2026-03-02 09:00", Projects=[CONTRACTS]),
        task(3, "2026-03-02 09:00", note("2026-03-02 09:00")),
    )
    reports.connection.execute("UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = 3")

    assert reports.ask("SELECT form_id, form, project_id, project, events FROM workload_heatmap ORDER BY 1") == [
        (INVOICES["Id"], "Invoices", INVOICES["Id"], "Invoices", 1),
        (None, None, CONTRACTS["Id"], "Legal / Contracts", 1),
    ]
