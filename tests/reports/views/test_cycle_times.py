"""How long tasks take, and how much of that is waiting for a decision."""

from decimal import Decimal
from typing import Any

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, CONTRACTS, INVOICES, Json, at, both_apis, note, task, value

INSTANTS = """
    SELECT to_char(first_action_at, 'DD HH24:MI'), to_char(first_decision_at, 'DD HH24:MI'),
           to_char(first_approved_at, 'DD HH24:MI'), to_char(last_approved_at, 'DD HH24:MI'),
           to_char(close_date, 'DD HH24:MI')
    FROM cycle_times ORDER BY task_id
"""
STRETCHES = """
    SELECT first_action_hours, first_approved_hours, last_approved_hours, closing_hours, cycle_hours
    FROM cycle_times ORDER BY task_id
"""
WAITING = "SELECT open_hours, waiting_hours, waiting_share FROM cycle_times ORDER BY task_id"


def decide(moment: str, author: Json, choice: str = "Approved") -> Json:
    return note(moment, author, ApprovalChoice=choice)


def complete(moment: str, author: Json = ANN) -> Json:
    return note(moment, author, ActivityAction="Complete")


def steps(*choices: tuple[Json, str]) -> list[list[Json]]:
    """Approval steps with one approver each, and their choices."""
    return [[{"Person": person} | ({"Choice": choice} if choice else {})] for person, choice in choices]


def hours(*numbers: float | None) -> tuple[Any, ...]:
    return tuple(None if number is None else Decimal(str(number)) for number in numbers)


@both_apis
def test_the_periods_of_a_task_follow_one_another_and_add_up(reports: Reports) -> None:
    ways = note("2026-03-02 09:00"), note("2026-03-02 10:00"), note("2026-03-02 13:00", CAT, Text="On it.")
    decisions = decide("2026-03-02 15:30", BOB), decide("2026-03-03 09:30", CAT)
    reports.load(task(1, "2026-03-02 09:00", *ways, *decisions, complete("2026-03-03 12:30")))

    assert reports.ask(INSTANTS) == [("02 13:00", "02 15:30", "02 15:30", "03 09:30", "03 12:30")]
    assert reports.ask(STRETCHES) == [hours(4, 2.5, 18, 3, 27.5)]


@both_apis
def test_the_first_action_is_a_note_by_another_than_the_author_or_a_decision_by_anybody(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", note("2026-03-02 10:00", ANN), note("2026-03-02 11:00", BOB)),
        task(2, "2026-03-02 09:00", note("2026-03-02 10:00", ANN), decide("2026-03-02 12:00", ANN, "Rejected")),
        task(3, "2026-03-02 09:00", note("2026-03-02 10:00", ANN), complete("2026-03-02 13:00", ANN)),
    )

    assert reports.ask(INSTANTS) == [
        ("02 11:00", None, None, None, None),
        ("02 12:00", "02 12:00", None, None, None),
        (None, None, None, None, "02 13:00"),
    ]


@both_apis
def test_without_approvals_closing_follows_the_first_action_and_without_that_the_creation(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", note("2026-03-02 10:00", BOB), complete("2026-03-02 11:30")),
        task(2, "2026-03-02 09:00", complete("2026-03-02 11:30")),
    )

    assert reports.ask(STRETCHES) == [hours(1, None, None, 1.5, 2.5), hours(None, None, None, 2.5, 2.5)]


@both_apis
def test_events_after_the_closing_are_left_out(reports: Reports) -> None:
    ways = complete("2026-03-02 11:00", BOB), note("2026-03-02 12:00", CAT), decide("2026-03-02 13:00", CAT)
    reports.load(task(1, "2026-03-02 09:00", *ways, CloseDate=at("2026-03-02 10:59")))

    assert reports.ask(INSTANTS) == [("02 10:59", None, None, None, "02 10:59")]


@both_apis
def test_a_reopened_task_is_not_open_in_between(reports: Reports) -> None:
    closed_twice = (
        complete("2026-03-02 12:00"),
        note("2026-03-04 12:00", BOB, ActivityAction="Reopen"),
        complete("2026-03-04 13:00"),
    )
    reports.load(task(1, "2026-03-02 09:00", *closed_twice), task(2, "2026-03-16 06:00", *()))

    columns = "to_char(first_close_date, 'DD HH24:MI'), reopen_count, cycle_hours, open_hours"
    assert reports.ask(f"SELECT {columns} FROM cycle_times ORDER BY task_id") == [
        ("02 12:00", 1, *hours(52, 4)),
        (None, 0, *hours(None, 6)),
    ]


@both_apis
def test_a_task_waits_while_somebody_has_to_decide(reports: Reports) -> None:
    """It waits from 09:00 for Bob, from 12:00 for Cat, who decides at 15:00; it is closed at 19:00."""
    ways = decide("2026-03-02 12:00", BOB), note("2026-03-02 13:00"), decide("2026-03-02 15:00", CAT)
    approvals = steps((BOB, "Approved"), (CAT, "Approved"))
    reports.load(task(1, "2026-03-02 09:00", *ways, complete("2026-03-02 19:00"), Approvals=approvals))

    assert reports.ask(WAITING) == [hours(10, 6, 0.6)]


@both_apis
def test_a_task_waits_again_from_the_note_that_asks_again_or_asks_another(reports: Reports) -> None:
    """It waits for Bob from 09:00 to 10:00 and from 12:00 to 13:00, for Cat from 15:00 to 17:00."""
    ways = (
        decide("2026-03-02 10:00", BOB),
        note("2026-03-02 12:00", ApprovalsRerequested=[[BOB]]),
        decide("2026-03-02 13:00", BOB),
        note("2026-03-02 15:00", ApprovalsAdded=[[CAT]]),
        decide("2026-03-02 17:00", CAT),
    )
    approvals = steps((BOB, "Approved"), (CAT, "Approved"))
    reports.load(task(1, "2026-03-02 09:00", *ways, complete("2026-03-02 19:00"), Approvals=approvals))

    assert reports.ask(WAITING) == [hours(10, 4, 0.4)]


@both_apis
def test_a_task_waits_for_an_approver_who_revoked_and_not_for_a_removed_one(reports: Reports) -> None:
    revoked = decide("2026-03-16 04:00", BOB), decide("2026-03-16 10:00", BOB, "Revoked")
    removed = decide("2026-03-16 04:00", BOB), note("2026-03-16 06:00", ApprovalsRemoved=[[CAT]])
    reports.load(
        task(1, "2026-03-16 02:00", *revoked, Approvals=steps((BOB, "Revoked"))),
        task(2, "2026-03-16 02:00", *removed, Approvals=steps((BOB, "Approved"))),
    )

    assert reports.ask(WAITING) == [hours(10, 4, 0.4), hours(10, 4, 0.4)]


@both_apis
def test_choosing_twice_or_being_asked_twice_does_not_change_the_wait(reports: Reports) -> None:
    """Bob chooses twice, is asked twice, revokes twice, is removed after the choice, and is asked in two steps."""
    twice = decide("2026-03-02 10:00", BOB), decide("2026-03-02 14:00", BOB, "Rejected")
    asked = note("2026-03-02 10:00", ApprovalsAdded=[[BOB]]), note("2026-03-02 12:00", ApprovalsRerequested=[[BOB]])
    again = note("2026-03-02 12:00", ApprovalsRerequested=[[BOB]]), decide("2026-03-02 13:00", BOB)
    back = (decide(f"2026-03-02 {hour}:00", BOB, choice) for hour, choice in ((10, "Approved"), (12, "Revoked")))
    removed = decide("2026-03-02 10:00", BOB), note("2026-03-02 14:00", ApprovalsRemoved=[[BOB]])
    both = note("2026-03-02 10:00", ApprovalsAdded=[[BOB], [BOB]]), decide("2026-03-02 11:00", BOB)
    ways: list[tuple[tuple[Json, ...], list[list[Json]]]] = [
        (twice, steps((BOB, "Rejected"))),
        (asked, steps((BOB, ""))),
        (again, steps((BOB, "Approved"))),
        ((*back, decide("2026-03-02 16:00", BOB, "Revoked")), steps((BOB, "Revoked"))),
        (removed, steps((CAT, "Approved"))),
        ((*both, decide("2026-03-02 14:00", BOB)), steps((BOB, "Approved"), (BOB, "Approved"))),
    ]
    for task_id, (notes, approvals) in enumerate(ways):
        reports.load(task(task_id, "2026-03-02 09:00", *notes, complete("2026-03-02 19:00"), Approvals=approvals))

    assert [waiting for _, waiting, _ in reports.ask(WAITING)] == [*hours(1, 9, 4, 8, 1, 4)]


@both_apis
def test_events_dated_after_the_closing_count_for_the_time_before(reports: Reports) -> None:
    """All closed at 17:00, after eight hours."""
    closed, at_end = {"CloseDate": at("2026-03-02 17:00")}, complete("2026-03-02 17:00")
    later, created = "2026-03-04 09:00", "2026-03-02 09:00"
    reports.load(
        task(
            1,
            created,
            note("2026-03-02 17:01", BOB, ApprovalChoice="Approved", ActivityAction="Complete"),
            Approvals=steps((BOB, "Approved")),
            **closed,
        ),
        task(2, created, at_end, decide(later, BOB), Approvals=steps((BOB, "Approved")), **closed),
        task(3, created, at_end, note(later, ApprovalsAdded=[[CAT]]), Approvals=steps((CAT, "")), **closed),
        task(4, created, at_end, note(later, ApprovalsRemoved=[[CAT]]), Approvals=steps((BOB, "")), **closed),
        task(5, created, at_end, note(later, ApprovalsRemoved=[[CAT]]), Approvals=steps((BOB, "Approved")), **closed),
    )

    assert [waiting for _, waiting, _ in reports.ask(WAITING)] == [*hours(8, 8, 0, 8, 8)]


@both_apis
def test_an_open_task_waits_until_now_a_closed_one_does_not_wait(reports: Reports) -> None:
    reopened = complete("2026-03-16 04:00"), note("2026-03-16 09:00", BOB, ActivityAction="Reopen")
    reports.load(
        task(1, "2026-03-16 02:00", Approvals=steps((BOB, ""))),
        task(2, "2026-03-16 02:00", *reopened, Approvals=steps((BOB, ""))),
        task(3, "2026-03-16 02:00", complete("2026-03-16 04:00"), Approvals=steps((BOB, ""))),
        task(4, "2026-03-16 02:00"),
    )

    assert reports.ask(WAITING) == [hours(10, 10, 1), hours(5, 5, 1), hours(2, 2, 1), hours(10, 0, 0)]


@both_apis
def test_a_task_has_the_columns_that_reports_filter_by(reports: Reports) -> None:
    form = [value(1, "Text", "Subject", "A desk")]
    reports.load(task(1, "2026-03-02 09:00", Responsible=BOB, Projects=[INVOICES, CONTRACTS], Form=form))
    reports.load(task(2, "2026-03-02 09:00", Projects=[CONTRACTS]))
    reports.connection.execute("UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = 2")

    assert reports.ask("SELECT task_id, form, project_id, project, author, responsible FROM cycle_times") == [
        (1, "Invoices", INVOICES["Id"], "Invoices", "Ann Archer", "Bob Baker"),
    ]


@both_apis
def test_percentiles_are_taken_by_form_and_month_of_closing_in_the_time_zone(reports: Reports) -> None:
    """10, 20 and 30 hours: p85 lies 0.7 of the way from the second to the third, p95 0.9 of it."""
    reports.set_time_zone("Europe/Moscow")
    took = {1: ("2026-02-10 00:00", "2026-02-10 10:00"), 2: ("2026-02-10 00:00", "2026-02-10 20:00")}
    took |= {3: ("2026-02-27 14:59", "2026-02-28 20:59"), 4: ("2026-02-28 20:00", "2026-02-28 21:00")}  # 4: in March
    for task_id, (created, closed) in took.items():
        reports.load(task(task_id, created, complete(closed, BOB)))

    columns = "month::text, form, closed, cycle_p50_hours, cycle_p85_hours, cycle_p95_hours, first_action_p50_hours"
    sums = "cycle_hours, open_hours, waiting_share"
    assert reports.ask(f"SELECT {columns}, {sums} FROM cycle_time_percentiles ORDER BY 1") == [
        ("2026-02-01", None, 3, *hours(20, 27, 29, 20, 60, 60, 0)),
        ("2026-03-01", None, 1, *hours(1, 1, 1, 1, 1, 1, 0)),
    ]
