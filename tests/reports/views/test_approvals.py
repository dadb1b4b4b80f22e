"""Who was asked to approve, and whose approval is pending: approval_steps, approvals_waiting."""

from datetime import date

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, DAN, INVOICES, approval, both_apis, note, on, task, utc, value

STEPS = """
    SELECT step_no, round_no, person, decision, asked_at, turn_at, decided_at, waited_hours
    FROM approval_steps ORDER BY task_id, step_no, person_id, round_no
"""
WAITING = "SELECT task_id, step_no, person, waiting_since, waited_hours FROM approvals_waiting ORDER BY task_id, person"
ASKED = "2026-03-02 09:00"


@both_apis
def test_the_turn_of_a_step_comes_when_those_below_have_chosen(reports: Reports) -> None:
    reports.load(
        task(
            1,
            ASKED,
            note(ASKED, ANN, ApprovalsAdded=[[BOB], None, [CAT, DAN], [ANN]]),
            note("2026-03-03 09:00", BOB, ApprovalChoice="Approved"),
            note("2026-03-03 15:00", DAN, ApprovalChoice="Rejected"),
            Approvals=[[approval(BOB, "Approved")], None, [approval(CAT), approval(DAN, "Rejected")], [approval(ANN)]],
        )
    )

    asked, turn = utc(ASKED), utc("2026-03-03 09:00")
    assert reports.ask(STEPS) == [
        (1, 1, "Bob Baker", "Approved", asked, asked, utc("2026-03-03 09:00"), 24),
        (3, 1, "Cat Cooper", "Waiting", asked, turn, None, 315),
        (3, 1, "Dan Dyer", "Rejected", asked, turn, utc("2026-03-03 15:00"), 6),
        (4, 1, "Ann Archer", "Waiting", asked, None, None, None),
    ]
    assert reports.ask(WAITING) == [(1, 3, "Cat Cooper", turn, 315)]


@both_apis
def test_asking_an_approver_again_opens_a_new_round(reports: Reports) -> None:
    reports.load(
        task(
            1,
            ASKED,
            note(ASKED, ANN, ApprovalsAdded=[[BOB], [CAT]]),
            note("2026-03-02 12:00", BOB, ApprovalChoice="Approved"),
            note("2026-03-02 18:00", CAT, ApprovalChoice="Rejected"),
            note("2026-03-04 09:00", ANN, ApprovalsRerequested=[[CAT]]),  # numbered from 1: her only step is 2
            note("2026-03-04 11:00", CAT, ApprovalChoice="Approved"),
            Approvals=[[approval(BOB, "Approved")], [approval(CAT, "Approved")]],
        )
    )

    assert reports.ask(STEPS)[1:] == [
        (2, 1, "Cat Cooper", "Rejected", utc(ASKED), utc("2026-03-02 12:00"), utc("2026-03-02 18:00"), 6),
        (2, 2, "Cat Cooper", "Approved", utc("2026-03-04 09:00"), utc("2026-03-04 09:00"), utc("2026-03-04 11:00"), 2),
    ]


@both_apis
def test_revoking_an_approval_keeps_the_time_of_the_first_choice(reports: Reports) -> None:
    reports.load(
        task(
            1,
            ASKED,
            note(ASKED, ANN, ApprovalsAdded=[[BOB]]),
            note("2026-03-02 12:00", BOB, ApprovalChoice="Approved"),
            note("2026-03-05 09:00", BOB, ApprovalChoice="Revoked"),
            Approvals=[[approval(BOB, "Revoked")]],
        )
    )

    assert reports.ask("SELECT decision, decided_at, changed_at, waited_hours FROM approval_steps") == [
        ("Revoked", utc("2026-03-02 12:00"), utc("2026-03-05 09:00"), 3),
    ]


@both_apis
def test_a_turn_comes_with_the_first_choice_below_and_after_a_new_asking_with_the_next(reports: Reports) -> None:
    steps = note(ASKED, ANN, ApprovalsAdded=[[BOB], [CAT]])
    first, second = (note(f"2026-03-0{day} 09:00", BOB, ApprovalChoice="Approved") for day in (3, 6))
    again = note("2026-03-05 09:00", ANN, ApprovalsRerequested=[[BOB]])
    approvals = [[approval(BOB, "Approved")], [approval(CAT)]]
    reports.load(
        task(1, ASKED, steps, first, second, Approvals=approvals),
        task(2, ASKED, steps, first, again, second, Approvals=approvals),
    )

    assert reports.ask(WAITING) == [
        (1, 2, "Cat Cooper", utc("2026-03-03 09:00"), 315),
        (2, 2, "Cat Cooper", utc("2026-03-06 09:00"), 243),
    ]


@both_apis
def test_an_approver_asked_and_choosing_in_one_note_has_chosen(reports: Reports) -> None:
    both = note("2026-03-02 12:00", BOB, ApprovalsAdded=[[BOB], [CAT]], ApprovalChoice="Approved")
    reports.load(task(1, ASKED, both, Approvals=[[approval(BOB, "Approved")], [approval(CAT)]]))

    at = utc("2026-03-02 12:00")
    assert reports.ask(STEPS) == [
        (1, 1, "Bob Baker", "Approved", at, at, at, 0),
        (2, 1, "Cat Cooper", "Waiting", at, at, None, 336),
    ]


@both_apis
def test_approvers_whose_first_note_asks_again_or_removes_them_were_asked_at_creation(reports: Reports) -> None:
    reports.load(
        task(
            1,
            ASKED,
            note("2026-03-03 09:00", BOB, ApprovalChoice="Rejected"),
            note("2026-03-04 09:00", ANN, ApprovalsRerequested=[[BOB]]),
            note("2026-03-06 09:00", BOB, ApprovalChoice="Approved"),
            note("2026-03-06 09:00", ANN, ApprovalsRemoved=[[CAT]]),
            Approvals=[None, [approval(BOB, "Approved")]],  # the note numbers from 1: his only step is 2
        )
    )

    created, again = utc(ASKED), utc("2026-03-04 09:00")
    assert reports.ask(STEPS) == [
        (1, 1, "Cat Cooper", "Removed", created, created, None, 96),
        (2, 1, "Bob Baker", "Rejected", created, created, utc("2026-03-03 09:00"), 24),
        (2, 2, "Bob Baker", "Approved", again, again, utc("2026-03-06 09:00"), 48),
    ]


@both_apis
def test_a_wait_ends_with_the_removal_of_the_approver_or_the_close_of_the_task(reports: Reports) -> None:
    asked = note(ASKED, ANN, ApprovalsAdded=[[BOB]])
    reports.load(
        task(1, ASKED, asked, note("2026-03-03 09:00", ANN, ApprovalsRemoved=[[BOB]])),
        task(2, ASKED, asked, note("2026-03-02 19:00", ANN, ActivityAction="Complete"), Approvals=[[approval(BOB)]]),
    )

    assert reports.ask("SELECT task_id, decision, decided_at, waited_hours FROM approval_steps ORDER BY 1") == [
        (1, "Removed", None, 24),
        (2, "Waiting", None, 10),
    ]
    assert reports.ask(WAITING) == []


@both_apis
def test_approvers_that_no_note_mentions_were_asked_at_creation(reports: Reports) -> None:
    reports.load(
        task(
            1,
            ASKED,
            note("2026-03-02 10:00", BOB, ApprovalChoice="Approved"),
            note("2026-03-02 13:00", BOB, ApprovalChoice="Approved"),
            Approvals=[[approval(BOB, "Approved")], [approval(BOB, "Approved")]],
        )
    )

    assert reports.ask(STEPS) == [
        (1, 1, "Bob Baker", "Approved", utc(ASKED), utc(ASKED), utc("2026-03-02 10:00"), 1),
        (2, 1, "Bob Baker", "Approved", utc(ASKED), utc("2026-03-02 10:00"), utc("2026-03-02 13:00"), 3),
    ]


@both_apis
def test_a_waiting_approval_shows_its_task(reports: Reports) -> None:
    reports.load(
        task(
            1,
            ASKED,
            note(ASKED, ANN, ReassignedTo=CAT, ApprovalsAdded=[[BOB]]),
            Approvals=[[approval(BOB)]],
            Responsible=CAT,
            DueDate=on("2026-03-10"),
            Projects=[INVOICES],
            Form=[value(1, "Text", "Subject", "Desk")],
        )
    )

    assert reports.ask("""
        SELECT task_id, text, form, person, responsible, due_date, is_overdue, asap FROM approvals_waiting
    """) == [(1, "Task 1", "Invoices", "Bob Baker", "Cat Cooper", date(2026, 3, 10), True, False)]


@both_apis
def test_an_approver_appears_once_in_a_round_however_often_named(reports: Reports) -> None:
    twice = [approval(BOB, "Approved"), approval(BOB), {"Person": None}, {"Person": None}]
    reports.load(task(1, ASKED, note(ASKED, ANN, ApprovalsAdded=[[BOB, BOB]]), Approvals=[twice]))

    assert reports.ask("SELECT step_no, round_no, person, decision FROM approval_steps ORDER BY person") == [
        (1, 1, "Bob Baker", "Waiting"),
        (1, 1, None, "Waiting"),
    ]


@both_apis
def test_an_approver_without_an_id_keeps_the_step(reports: Reports) -> None:
    nobody = {"FirstName": "No", "LastName": "Body"}
    reports.load(
        task(
            1,
            ASKED,
            note("2026-03-03 09:00", ANN, ApprovalsAdded=[[nobody], [nobody]]),
            Approvals=[[approval(nobody, "Approved")], [approval(nobody)]],
        )
    )

    asked = utc("2026-03-03 09:00")
    assert reports.ask("SELECT step_no, round_no, person, decision, asked_at FROM approval_steps ORDER BY step_no") == [
        (1, 1, None, "Approved", asked),
        (2, 1, None, "Waiting", asked),
    ]


@both_apis
def test_an_approver_without_an_id_was_not_asked_before_the_note_that_adds_them(reports: Reports) -> None:
    nobody = {"FirstName": "No", "LastName": "Body"}
    added = note("2026-03-03 09:00", ANN, ApprovalsAdded=[[nobody]])
    again = note("2026-03-05 09:00", ANN, ApprovalsRerequested=[[nobody]])
    reports.load(task(1, ASKED, added, again, Approvals=[[approval(nobody)]]))

    assert reports.ask("SELECT step_no, round_no, asked_at FROM approval_steps ORDER BY round_no") == [
        (1, 1, utc("2026-03-03 09:00")),
        (1, 2, utc("2026-03-05 09:00")),
    ]
