"""Hours worked beside hours passed, and what takes longer than agreed; every figure is worked out by hand.

It is Monday, the 16th of March 2026, 12:00 UTC: 15:00 in Moscow.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.reports import working_time
from tests.reports.conftest import Reports
from tests.reports.views.test_steps import FORM, invoice
from tests.reports.world import ANN, BOB, INVOICES, Json, approval, note, task, utc

OFFICE = """
    INSERT INTO pyrus.working_hours
    SELECT weekday, starts, ends FROM generate_series(1, 5) AS weekday,
        (VALUES (time '09:00', time '13:00'), ('14:00', '18:00')) AS shift (starts, ends)
"""
"""From Monday to Friday: eight hours with a break."""
NIGHTS = "INSERT INTO pyrus.working_hours SELECT weekday, '22:00', '06:00' FROM generate_series(1, 7) AS weekday"


def work(reports: Reports, zone: str, *statements: str) -> None:
    reports.set_time_zone(zone)
    for statement in statements:
        reports.connection.execute(statement.encode())
    working_time.compute(reports.connection)


def closed(task_id: int, created: str, ended: str) -> Json:
    return task(task_id, created, note(ended, ActivityAction="Complete"), Projects=[INVOICES])


def hours(reports: Reports) -> list[Any]:
    """The hours passed and worked of each task."""
    return reports.ask("SELECT cycle_hours, cycle_worked_hours FROM cycle_times ORDER BY task_id")


def test_a_day_a_night_a_break_and_a_weekend(reports: Reports) -> None:
    work(reports, "Europe/Moscow", OFFICE)  # UTC+3: from 6:00 to 10:00 and from 11:00 to 15:00 UTC
    reports.load(
        closed(1, "2026-03-02 07:00", "2026-03-02 09:30"),  # within a morning
        closed(2, "2026-03-02 09:00", "2026-03-02 12:00"),  # an hour before the break and one after it
        closed(3, "2026-03-02 14:00", "2026-03-03 07:00"),  # the last hour of Monday, the first of Tuesday
        closed(4, "2026-03-06 14:30", "2026-03-09 06:15"),  # from Friday evening to Monday morning
        closed(5, "2026-03-07 08:00", "2026-03-07 20:00"),  # on a Saturday
        closed(6, "2026-03-02 00:00", "2026-03-09 00:00"),  # a week
    )

    assert hours(reports) == [(2.5, 2.5), (3, 2), (17, 2), (63.75, 0.75), (12, 0), (168, 40)]


def test_holidays_short_days_and_weekends_on_which_people_work(reports: Reports) -> None:
    days = "(date '2026-03-03', 'Closed', NULL::time, NULL::time), ('2026-03-04', 'Short', '10:00', '12:00'), "
    days += "('2026-03-07', 'Stocktaking', '09:00', '24:00')"
    work(reports, "UTC", OFFICE, f"INSERT INTO pyrus.holidays VALUES {days}")
    reports.load(
        closed(1, "2026-03-02 17:00", "2026-03-04 11:00"),
        closed(2, "2026-03-03 00:00", "2026-03-05 00:00"),
        closed(3, "2026-03-07 00:00", "2026-03-09 00:00"),
    )

    assert [worked for _, worked in hours(reports)] == [2, 2, 15]


def test_holidays_count_also_if_no_working_hours_are_given(reports: Reports) -> None:
    work(reports, "UTC", "INSERT INTO pyrus.holidays VALUES ('2026-03-03')")
    reports.load(closed(1, "2026-03-02 12:00", "2026-03-04 12:00"))

    assert hours(reports) == [(48, 24)]


def test_nights_are_as_long_as_they_are_when_the_clock_changes(reports: Reports) -> None:
    """In Berlin the clock skips an hour in the night to the 29th of March 2026, and repeats one in October."""
    work(reports, "Europe/Berlin", NIGHTS)
    reports.load(
        closed(1, "2026-03-27 20:00", "2026-03-28 20:00"),  # 22:00 to 6:00: eight hours
        closed(2, "2026-03-28 12:00", "2026-03-29 12:00"),  # seven
        closed(3, "2026-10-24 12:00", "2026-10-25 12:00"),  # nine
        closed(4, "2026-03-28 23:00", "2026-03-29 01:30"),  # half past three there: after the change
    )

    assert [worked for _, worked in hours(reports)] == [8, 7, 9, 2.5]


def test_shifts_that_overlap_count_once(reports: Reports) -> None:
    shifts = "(1, '08:00', '16:00'), (1, '12:00', '20:00'), (1, '20:00', '22:00'), (1, '23:00', '23:00')"
    work(reports, "UTC", f"INSERT INTO pyrus.working_hours VALUES {shifts}")
    reports.load(closed(1, "2026-03-02 00:00", "2026-03-09 00:00"))

    assert hours(reports) == [(168, 14 + 24)], "the last shift is a whole day, until Tuesday"


def test_without_working_hours_every_hour_counts(reports: Reports) -> None:
    reopened = [note("2026-03-03 09:00", ActivityAction="Complete"), note("2026-03-05 09:00", ActivityAction="Reopen")]
    reports.load(
        closed(1, "2026-03-06 14:30", "2026-03-09 06:15"),
        task(2, "2026-03-02 09:00", note("2026-03-02 10:30", BOB), *reopened, Approvals=[[approval(BOB)]]),
        task(3, "0001-01-01 00:00"),
    )

    assert reports.ask("""
        SELECT first_action_hours, first_action_worked_hours, cycle_hours, cycle_worked_hours, open_hours,
               open_worked_hours, waiting_hours, waiting_worked_hours FROM cycle_times ORDER BY task_id LIMIT 2
    """) == [(None, None, 63.75, 63.75, 63.75, 63.75, 0, 0), (1.5, 1.5, None, None, 291, 291, 291, 291)]
    assert reports.ask("SELECT bool_and(open_hours = open_worked_hours) FROM cycle_times") == [(True,)]
    assert reports.ask("SELECT bool_and(waited_hours = waited_worked_hours) FROM approval_steps") == [(True,)]


def test_open_and_waiting_hours_leave_out_the_time_between_a_closing_and_a_reopening(reports: Reports) -> None:
    work(reports, "UTC", OFFICE)
    ways = [note("2026-03-03 10:00", ActivityAction="Complete"), note("2026-03-05 11:00", ActivityAction="Reopen")]
    asked = note("2026-03-02 16:00", ApprovalsAdded=[[approval(BOB)]])
    reports.load(task(1, "2026-03-02 12:00", asked, *ways, Approvals=[[approval(BOB)]]))

    # 5 hours on Monday, 1 on Tuesday; 6 on Thursday, 8 on Friday, 40 in the next week, 3 today. The approver is asked
    # on Monday at 16:00.
    assert reports.ask("SELECT open_worked_hours, waiting_worked_hours FROM cycle_times") == [(63, 60)]


def test_approvers_wait_in_working_hours(reports: Reports) -> None:
    work(reports, "UTC", OFFICE)
    decided = note("2026-03-09 09:30", BOB, ApprovalChoice="Approved")
    reports.load(task(1, "2026-03-06 17:00", decided, Approvals=[[approval(BOB, "Approved")], [approval(ANN)]]))

    assert reports.ask("SELECT step_no, waited_hours, waited_worked_hours FROM approval_steps ORDER BY 1") == [
        (1, 64.5, 1.5),
        (2, 170.5, 7.5 + 4 * 8 + 3),
    ]


@pytest.fixture
def moved(reports: Reports) -> Reports:
    """Invoices that pass a first step, on a Friday and the Monday after it, and a second."""
    work(reports, "UTC", OFFICE)
    reports.connection.execute("INSERT INTO pyrus.form_steps VALUES (100, 1, 'Check'), (100, 2, 'Pay')")

    def move(number: int, at: str, step: int) -> Json:
        return {"id": number, "author": {"id": 1}, "create_date": at, "changed_step": step}

    steps = [{"step": 1, "name": "Check", "elapsed_time": 1}, {"step": 2, "name": "Pay", "elapsed_time": 1}]
    friday, monday = "2026-03-06T17:00:00Z", "2026-03-09T10:00:00Z"
    reports.load_v4(
        invoice(1, current_step=2, steps=steps, comments=[move(11, monday, 2)]) | {"create_date": friday},
        invoice(2, current_step=1, steps=steps[:1]) | {"create_date": "2026-03-16T10:00:00Z"},
        invoice(
            3, current_step=2, steps=steps, is_closed=True, close_date="2026-03-10T10:00:00Z",
            comments=[move(31, monday, 2), move(32, "2026-03-09T12:00:00Z", 1), move(33, "2026-03-09T15:00:00Z", 2)],
        ) | {"create_date": friday},
    )  # fmt: skip
    return reports


def test_steps_take_working_hours_between_the_notes_that_move_the_task(moved: Reports) -> None:
    assert moved.ask("SELECT task_id, step, worked_hours FROM task_step_times ORDER BY 1, step_no") == [
        (1, "Check", 2),
        (1, "Pay", 7 + 4 * 8 + 3),
        (2, "Check", 2),
        (3, "Check", 2 + 2),
        (3, "Pay", 2 + 3 + 1),
    ]
    assert moved.ask("SELECT step, mean_worked_hours, p85_worked_hours FROM step_times ORDER BY step_no") == [
        ("Check", 3, Decimal("3.7")),
        ("Pay", 6, 6),
    ]


def test_without_notes_that_move_a_task_its_steps_followed_one_another(reports: Reports) -> None:
    work(reports, "UTC", OFFICE)
    hour = 3_600_000
    steps = [
        {"step": number, "name": "", "elapsed_time": passed * hour} for number, passed in ((1, 66), (2, 4), (3, 0))
    ]
    friday = {"create_date": "2026-03-06T17:00:00Z"}
    reports.load_v4(
        invoice(1, current_step=3, steps=steps) | friday,  # in the third step since Monday, 15:00
        invoice(2, current_step=2, steps=steps, is_closed=True, close_date="2026-03-09T15:00:00Z") | friday,
        invoice(3, steps=[{"step": 1, "name": "", "elapsed_time": 2**63 - 1}]) | friday,
    )

    assert reports.ask(
        "SELECT task_id, step_no, worked_hours FROM task_step_times WHERE task_id < 3 ORDER BY 1, 2"
    ) == [
        (1, 1, 1 + 2),
        (1, 2, 3),
        (1, 3, 3 + 4 * 8 + 3),
        (2, 1, 1 + 2),
        (2, 2, 3),
    ]
    assert reports.ask("SELECT count(*) FROM task_step_times WHERE task_id = 3 AND worked_hours > 0") == [(1,)]


def test_what_took_too_long_and_what_is_about_to(moved: Reports) -> None:
    moved.connection.execute(
        f"INSERT INTO pyrus.service_levels VALUES ({FORM}, 0, 12), ({FORM}, 1, 2.5), ({FORM}, 2, 50)"
    )
    found = "SELECT task_id, step_no, worked_hours, state, is_running, due_at FROM service_level_tasks ORDER BY 1, 2"

    expected: list[tuple[int, int, float, str, bool, datetime | None]] = [
        (1, 0, 44, "breached", True, utc("2026-03-10 12:00")),  # after 1 hour on Friday, 8 on Monday, 3 on Tuesday
        (1, 1, 2, "met", False, None),
        (1, 2, 42, "at risk", True, utc("2026-03-17 12:00")),  # after 5 hours today, 3 tomorrow
        (2, 0, 2, "in time", True, utc("2026-03-17 15:00")),
        (2, 1, 2, "at risk", True, utc("2026-03-16 12:30")),
        (3, 0, 1 + 8 + 1, "met", False, None),
        (3, 1, 4, "breached", False, None),
        (3, 2, 6, "met", False, None),
    ]
    assert moved.ask(found) == expected


def test_periods_are_computed_again_only_where_they_change(reports: Reports) -> None:
    work(reports, "UTC", OFFICE)
    written = "SELECT count(*), count(*) FILTER (WHERE xmin::text::bigint > %s) FROM pyrus.working_periods"
    ((now,),) = reports.ask("SELECT pg_current_xact_id()::text::bigint")
    working_time.compute(reports.connection)
    again = reports.connection.execute(written.encode(), [now]).fetchone()
    reports.connection.execute("DELETE FROM pyrus.working_hours")
    working_time.compute(reports.connection)

    assert again == (2 * (5 * 5217 + 4), 0)
    assert reports.ask("SELECT count(*) FROM pyrus.working_periods") == [(1,)]
