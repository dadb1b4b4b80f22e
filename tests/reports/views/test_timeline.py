"""Events and notes of tasks, in order: task_timeline, task_notes."""

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, CONTRACTS, INVOICES, at, both_apis, note, on, task, utc, value

OPENING = note(
    "2026-03-02 09:00",
    ANN,
    Text="A desk, please.",
    ReassignedTo=BOB,
    DueDateChanged=on("2026-03-10"),
    AddedProjects=[INVOICES, CONTRACTS],
    ApprovalsAdded=[[CAT]],
    Attachments=[{"Id": 8, "Name": "b.pdf"}, {"Id": 7, "Name": "a.pdf"}],
)


@both_apis
def test_a_note_is_as_many_events_as_it_did_things(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", OPENING, Text="Desk"))

    assert reports.ask("""
        SELECT kind, detail, person, about_person_id, note_no FROM task_timeline ORDER BY event_no
    """) == [
        ("created", "Desk", "Ann Archer", None, None),
        ("commented", "A desk, please.", "Ann Archer", None, 1),
        ("attached", "a.pdf", "Ann Archer", None, 1),
        ("attached", "b.pdf", "Ann Archer", None, 1),
        ("filed", "Invoices", "Ann Archer", None, 1),
        ("filed", "Contracts", "Ann Archer", None, 1),
        ("approver_added", "Cat Cooper", "Ann Archer", 3, 1),
        ("due_date_changed", "2026-03-10", "Ann Archer", None, 1),
        ("reassigned", "Bob Baker", "Ann Archer", 2, 1),
    ]


@both_apis
def test_events_are_in_the_order_of_their_notes_and_the_close_follows_the_note_that_closed(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 09:00", ANN, ReassignedTo=BOB),
            note("2026-03-02 10:00", BOB, Form=[value(2, "Decimal", "Amount", 10)], DueDateRemoved=True),
            note("2026-03-02 11:00", CAT, ApprovalChoice="Rejected", Text="Too dear."),
            note("2026-03-02 12:00", ANN, ApprovalsRerequested=[[CAT]], RemovedProjects=[CONTRACTS]),
            note("2026-03-02 13:00", CAT, ApprovalChoice="Approved"),
            note("2026-03-02 14:00", CAT, ApprovalChoice="Revoked"),
            note("2026-03-02 15:00", ANN, ApprovalsRemoved=[[CAT]], ActivityAction="MarkAsDuplicate"),
            note("2026-03-02 16:00", ANN, ActivityAction="Reopen"),
            note("2026-03-02 17:00", BOB, ActivityAction="Complete"),
            note("2026-03-02 18:00", ANN, Text="Thank you."),
            CloseDate=note("2026-03-02 17:00")["CreateDate"],
        )
    )

    assert reports.ask("SELECT at, person, kind, detail, note_no FROM task_timeline ORDER BY event_no") == [
        (utc("2026-03-02 09:00"), "Ann Archer", "created", "Task 1", None),
        (utc("2026-03-02 09:00"), "Ann Archer", "reassigned", "Bob Baker", 1),
        (utc("2026-03-02 10:00"), "Bob Baker", "field_changed", "Amount: 10", 2),
        (utc("2026-03-02 10:00"), "Bob Baker", "due_date_removed", None, 2),
        (utc("2026-03-02 11:00"), "Cat Cooper", "commented", "Too dear.", 3),
        (utc("2026-03-02 11:00"), "Cat Cooper", "rejected", None, 3),
        (utc("2026-03-02 12:00"), "Ann Archer", "unfiled", "Contracts", 4),
        (utc("2026-03-02 12:00"), "Ann Archer", "approver_rerequested", "Cat Cooper", 4),
        (utc("2026-03-02 13:00"), "Cat Cooper", "approved", None, 5),
        (utc("2026-03-02 14:00"), "Cat Cooper", "revoked", None, 6),
        (utc("2026-03-02 15:00"), "Ann Archer", "approver_removed", "Cat Cooper", 7),
        (utc("2026-03-02 15:00"), "Ann Archer", "completed", "duplicate", 7),
        (utc("2026-03-02 16:00"), "Ann Archer", "reopened", None, 8),
        (utc("2026-03-02 17:00"), "Bob Baker", "completed", None, 9),
        (utc("2026-03-02 17:00"), None, "closed", None, 9),
        (utc("2026-03-02 18:00"), "Ann Archer", "commented", "Thank you.", 10),
    ]


@both_apis
def test_the_close_follows_the_note_that_closed_even_if_that_is_dated_later(reports: Reports) -> None:
    """The closing note is the first that completes the task after its last reopening; later ones are only notes."""
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 10:00", BOB, ActivityAction="Complete"),
            note("2026-03-02 11:00", ANN, ActivityAction="Reopen"),
            note("2026-03-02 12:00", BOB, ActivityAction="Complete"),
            note("2026-03-02 13:00", BOB, ActivityAction="Complete"),
            CloseDate=at("2026-03-02 11:59"),
        )
    )

    assert reports.ask("SELECT kind, note_no FROM task_timeline ORDER BY event_no") == [
        ("created", None),
        ("completed", 1),
        ("reopened", 2),
        ("completed", 3),
        ("closed", 3),
        ("completed", 4),
    ]


@both_apis
def test_an_event_keeps_its_number_when_more_happens(reports: Reports) -> None:
    numbers = "SELECT event_no FROM task_timeline ORDER BY event_no"
    reports.load(task(1, "2026-03-02 09:00", OPENING))
    before = reports.ask(numbers)
    reports.load(task(1, "2026-03-02 09:00", OPENING, note("2026-03-02 10:00", BOB, Text="It is ordered.")))

    assert len(before) == len(set(before)) == 9
    assert reports.ask(numbers)[:9] == before


@both_apis
def test_a_note_shows_its_task_and_its_author(reports: Reports) -> None:
    reports.load(
        task(1, "2026-03-02 09:00", OPENING, Form=[value(1, "Text", "Subject", "Desk")], Projects=[INVOICES, CONTRACTS])
    )

    assert reports.ask("""
        SELECT task_id, form, project, note_no, written_at, person, text, reassigned_to, due_date_removed
        FROM task_notes
    """) == [
        (1, "Invoices", "Invoices", 1, utc("2026-03-02 09:00"), "Ann Archer", "A desk, please.", "Bob Baker", False),
    ]
