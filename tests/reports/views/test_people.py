"""How much work people have: person_workload."""

from decimal import Decimal

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, Json, approval, note, on, task, utc

COLUMNS = "SELECT person, open_tasks, overdue_tasks, due_soon_tasks, asap_tasks, oldest_open_create_date"


def test_a_person_without_any_name_is_called_by_the_id(reports: Reports) -> None:
    people: list[Json] = [
        {"Id": 9, "FirstName": " ", "Email": ""},
        {"Id": 10, "Email": ""},
        {"Id": 11, "LastName": "", "Email": "e@x.de"},
    ]
    reports.load(*(task(number, "2026-03-02 09:00", Author=person) for number, person in enumerate(people)))

    assert reports.ask("SELECT person_id, name FROM person_names ORDER BY 1") == [
        (9, "Person 9"),
        (10, "Person 10"),
        (11, "e@x.de"),
    ]


def test_open_tasks_count_for_their_responsible(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", Responsible=BOB, DueDate=on("2026-03-15"), Asap=True),
        task(2, "2026-03-03 09:00", Responsible=BOB, DueDate=on("2026-03-23")),
        task(3, "2026-03-04 09:00", Responsible=BOB, DueDate=on("2026-03-24")),
        task(4, "2026-03-01 09:00", note("2026-03-05 09:00", ActivityAction="Complete"), Responsible=BOB),
    )

    assert reports.ask(f"{COLUMNS} FROM person_workload ORDER BY person_id") == [
        ("Ann Archer", 0, 0, 0, 0, None),
        ("Bob Baker", 3, 1, 1, 1, utc("2026-03-02 09:00")),
    ]


def test_the_last_thirty_days_are_those_before_now(reports: Reports) -> None:
    reports.load(
        task(1, "2026-02-14 11:00", note("2026-02-14 11:00", ANN), note("2026-02-14 13:00", BOB), Responsible=BOB),
        task(2, "2026-02-14 13:00", note("2026-03-01 09:00", BOB, ActivityAction="Complete"), Responsible=BOB),
        task(3, "2026-01-01 13:00", note("2026-02-01 09:00", BOB, ActivityAction="Complete"), Responsible=BOB),
    )

    assert reports.ask("""
        SELECT person, created_30_days, closed_30_days, notes_30_days, last_note_at
        FROM person_workload ORDER BY person_id
    """) == [
        ("Ann Archer", 1, 0, 0, utc("2026-02-14 11:00")),
        ("Bob Baker", 0, 1, 2, utc("2026-03-01 09:00")),
    ]


def test_approvals_that_wait_and_those_decided_count_for_their_approver(reports: Reports) -> None:
    reports.load(
        *(
            task(
                hours,
                "2026-03-02 00:00",
                note("2026-03-02 00:00", ANN, ApprovalsAdded=[[BOB], [CAT]]),
                note(f"2026-03-02 {hours:02}:00", BOB, ApprovalChoice="Approved"),
                Approvals=[[approval(BOB, "Approved")], [approval(CAT)]],
            )
            for hours in (1, 2, 3, 4, 20)
        )
    )

    assert reports.ask("""
        SELECT person, approvals_waiting, longest_waiting_hours, decided_count, decisions_30_days,
               decision_p50_hours, decision_p85_hours, decision_p95_hours
        FROM person_workload WHERE person_id IN (2, 3) ORDER BY person_id
    """) == [
        ("Bob Baker", 0, None, 5, 5, 3, Decimal("10.40"), Decimal("16.80")),
        ("Cat Cooper", 5, 347, 0, 0, None, None, None),
    ]


def test_completed_periods_show_how_long_a_person_holds_a_task(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-02 00:00",
            note("2026-03-02 00:00", ANN, ReassignedTo=BOB),
            note("2026-03-02 04:00", BOB, ReassignedTo=CAT),
            note("2026-03-02 05:00", CAT, ReassignedTo=BOB),
            note("2026-03-02 07:00", BOB, ReassignedTo=CAT),
        )
    )

    assert reports.ask("""
        SELECT person, held_count, pingpong_count, held_p50_hours, held_p85_hours, held_p95_hours
        FROM person_workload WHERE person_id IN (2, 3) ORDER BY person_id
    """) == [
        ("Bob Baker", 2, 1, 3, Decimal("3.70"), Decimal("3.90")),
        ("Cat Cooper", 1, 0, 1, 1, 1),
    ]
