"""How work flows: changes of state, days, weeks, and the forecast."""

from decimal import Decimal

import pytest

from pyrus_etl.reports.views import views
from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CONTRACTS, INVOICES, Json, at, note, on, task

STATES = "SELECT task_id, change, to_char(changed_at, 'MM-DD HH24:MI') FROM state_changes ORDER BY 1, changed_at"
DAYS = "SELECT day::text, project, created, closed, reopened, open, created_total, done_total FROM flow_daily"


def complete(moment: str, author: Json = ANN) -> Json:
    return note(moment, author, ActivityAction="Complete")


def reopen(moment: str, author: Json = BOB) -> Json:
    return note(moment, author, ActivityAction="Reopen")


def test_a_task_is_created_once_then_closed_and_reopened_in_turn(reports: Reports) -> None:
    ways = complete("2026-03-03 10:00"), reopen("2026-03-04 11:00"), complete("2026-03-05 12:00")
    reports.load(task(1, "2026-03-02 09:00", *ways))

    assert reports.ask(STATES) == [
        (1, "created", "03-02 09:00"),
        (1, "closed", "03-03 10:00"),
        (1, "reopened", "03-04 11:00"),
        (1, "closed", "03-05 12:00"),
    ]


def test_a_duplicate_and_an_irrelevant_task_are_closed_too(reports: Reports) -> None:
    for task_id, action in ((1, "MarkAsDuplicate"), (2, "MarkAsIrrelevant")):
        closing = note("2026-03-03 10:00", ActivityAction=action)
        reports.load(task(task_id, "2026-03-02 09:00", closing, reopen("2026-03-04 11:00")))

    assert [change for _, change, _ in reports.ask(STATES)] == ["created", "closed", "reopened"] * 2


def test_an_action_that_keeps_the_state_is_not_a_change(reports: Reports) -> None:
    """A Reopen of an open task, a second Complete of a closed one."""
    ways = reopen("2026-03-02 10:00"), complete("2026-03-03 10:00"), complete("2026-03-03 11:00")
    reports.load(task(1, "2026-03-02 09:00", *ways, reopen("2026-03-04 11:00")))

    assert reports.ask(STATES) == [
        (1, "created", "03-02 09:00"),
        (1, "closed", "03-03 10:00"),
        (1, "reopened", "03-04 11:00"),
    ]


def test_the_task_and_not_its_notes_decides_whether_and_when_it_was_closed(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", CloseDate=at("2026-03-04 12:00")),
        task(2, "2026-03-02 09:00", complete("2026-03-03 10:00"), CloseDate=at("2026-03-03 09:59")),
        task(3, "2026-03-02 09:00", complete("2026-03-03 10:00"), CloseDate=None),
        task(4, "2026-03-02 09:00", complete("2026-03-03 10:00")),
    )
    reports.connection.execute("UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = 4")

    assert reports.ask(STATES) == [
        (1, "created", "03-02 09:00"),
        (1, "closed", "03-04 12:00"),
        (2, "created", "03-02 09:00"),
        (2, "closed", "03-03 09:59"),
        (3, "created", "03-02 09:00"),
    ]


def test_every_day_from_the_first_task_to_today_counts_created_closed_and_open_tasks(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-12 09:00", complete("2026-03-12 10:00"), reopen("2026-03-14 10:00"), Projects=[CONTRACTS]),
        task(2, "2026-03-12 11:00", complete("2026-03-15 10:00"), Projects=[CONTRACTS, INVOICES]),
        task(3, "2026-03-15 11:00"),
    )

    assert reports.ask(f"{DAYS} ORDER BY project, day") == [
        ("2026-03-12", "Legal / Contracts", 2, 1, 0, 1, 2, 1),
        ("2026-03-13", "Legal / Contracts", 0, 0, 0, 1, 2, 1),
        ("2026-03-14", "Legal / Contracts", 0, 0, 1, 2, 2, 0),
        ("2026-03-15", "Legal / Contracts", 0, 1, 0, 1, 2, 1),
        ("2026-03-16", "Legal / Contracts", 0, 0, 0, 1, 2, 1),
        ("2026-03-15", None, 1, 0, 0, 1, 1, 0),
        ("2026-03-16", None, 0, 0, 0, 1, 1, 0),
    ]


def test_a_day_begins_at_midnight_of_the_time_zone(reports: Reports) -> None:
    reports.set_time_zone("Europe/Moscow")  # three hours ahead of UTC
    reports.load(task(1, "2026-03-14 20:59", complete("2026-03-14 21:00")))

    assert [(day, created, closed, still) for day, _, created, closed, _, still, *_ in reports.ask(DAYS)] == [
        ("2026-03-14", 1, 0, 1),
        ("2026-03-15", 0, 1, 0),
        ("2026-03-16", 0, 0, 0),
    ]


def test_the_day_on_which_clocks_are_put_forward_is_an_hour_shorter(reports: Reports) -> None:
    reports.set_time_zone("America/New_York")  # the 8th of March lasts from 05:00 UTC to 04:00 UTC
    reports.load(*(task(number, f"2026-03-{moment}") for number, moment in enumerate(("08 04:59", "09 03:59"))))

    assert reports.ask("SELECT day::text, created FROM flow_daily WHERE day < '2026-03-10' ORDER BY 1") == [
        ("2026-03-07", 1),
        ("2026-03-08", 1),
        ("2026-03-09", 0),
    ]


@pytest.mark.parametrize("zone", ["Europe/Moscow", "America/New_York"])
def test_dates_of_any_year_count_between_1990_and_today(reports: Reports, zone: str) -> None:
    reports.set_time_zone(zone)
    reports.load(
        task(1, "0001-01-01 00:00"),
        task(2, "2026-03-02 09:00", complete("9999-12-31 23:59")),
        task(3, "2026-03-02 09:00"),
    )

    assert reports.ask(f"{DAYS} WHERE created + closed > 0 ORDER BY day") == [
        ("1990-01-01", None, 1, 0, 0, 1, 1, 0),
        ("2026-03-02", None, 2, 0, 0, 3, 3, 0),
        ("2026-03-16", None, 0, 1, 0, 2, 3, 1),
    ]
    assert reports.ask("SELECT max(day)::text, count(*) = max(day) - min(day) + 1 FROM flow_daily") == [
        ("2026-03-16", True)
    ]
    assert reports.ask("SELECT min(week)::text, max(week)::text FROM throughput_weekly") == [
        ("1990-01-01", "2026-03-16")
    ]


@pytest.mark.parametrize("zone", ["Europe/Moscow", "America/New_York"])
def test_dates_of_any_year_are_read_in_every_view(reports: Reports, zone: str) -> None:
    """Most drivers only know the years 1 to 9999."""
    reports.set_time_zone(zone)
    reports.load(
        task(1, "0001-01-01 00:00", complete("0001-01-01 00:01"), DueDate=on("0001-01-01")),
        task(2, "2026-03-02 09:00", complete("9999-12-31 23:59"), DueDate=on("9999-12-31")),
        task(3, "0001-01-01 00:00", note("9999-12-31 23:59", BOB, Text="Late."), DueDate=on("0001-01-01")),
    )

    for view in views():
        reports.ask(f"SELECT * FROM {view}")
    assert reports.ask("SELECT month::text FROM cycle_time_percentiles ORDER BY 1") == [
        ("0001-01-01",),
        ("9999-12-01",),
    ]
    assert reports.ask("SELECT min(month)::text, max(month)::text FROM workload_heatmap") == [
        ("0001-01-01", "9999-12-01")
    ]


def test_weeks_begin_on_monday_and_include_those_without_a_closing(reports: Reports) -> None:
    reports.set_time_zone("Europe/Moscow")
    reports.load(
        task(1, "2026-02-23 09:00", complete("2026-03-01 20:59")),  # the last minute of Sunday
        task(
            2, "2026-02-24 09:00", complete("2026-03-11 09:00"), reopen("2026-03-15 21:00")
        ),  # the first minute of Monday
        task(3, "2026-02-25 09:00", complete("2026-03-10 09:00"), Author=BOB),
    )

    columns = "week::text, created, closed, reopened, finished, open, is_complete"
    assert reports.ask(f"SELECT {columns} FROM throughput_weekly ORDER BY 1") == [
        ("2026-02-23", 3, 1, 0, 1, 2, True),
        ("2026-03-02", 0, 0, 0, 0, 2, True),
        ("2026-03-09", 0, 2, 0, 2, 0, True),
        ("2026-03-16", 0, 0, 1, -1, 1, False),
    ]


def test_the_backlog_is_divided_by_the_tasks_that_slow_usual_and_good_weeks_finish(reports: Reports) -> None:
    """Weeks with 0, 2, 2 and 4 finished tasks: p15 is 0.9, p50 is 2, p85 is 3.1; three tasks are open."""
    closings = ("02-16", "02-17", "03-02", "03-03", "03-04", "03-05", "03-09", "03-10")
    for task_id, day in enumerate(closings):
        reports.load(task(task_id, "2026-02-16 09:00", complete(f"2026-{day} 10:00"), Projects=[CONTRACTS]))
    reports.load(*(task(task_id, "2026-02-16 09:00", Projects=[CONTRACTS]) for task_id in (11, 12, 13)))

    found = reports.ask("SELECT * FROM throughput_forecast ORDER BY scope")
    numbers = (3, 4, *map(Decimal, ("2.75", "0.90", "2.00", "3.10", "3.3", "1.5", "1.0")))
    assert found == [
        ("all", None, None, None, None, *numbers),
        ("form", None, None, None, None, *numbers),
        ("project", None, None, CONTRACTS["Id"], "Legal / Contracts", *numbers),
    ]


def test_the_sample_of_a_forecast_is_the_last_twelve_complete_weeks(reports: Reports) -> None:
    reports.load(
        task(1, "2025-12-01 09:00", complete("2025-12-21 10:00")),  # Sunday before the twelve weeks
        task(2, "2025-12-01 09:00", complete("2025-12-22 10:00")),
        task(3, "2025-12-01 09:00", complete("2026-03-16 10:00")),  # this week
        task(4, "2025-12-01 09:00"),
    )

    found = reports.ask("SELECT backlog, weeks, finished_p50, finished_p85, weeks_at_p50 FROM throughput_forecast")
    assert found == [(1, 12, 0, 0, None)] * 3
