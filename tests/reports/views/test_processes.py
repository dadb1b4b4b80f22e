"""The paths that tasks take: process_variants."""

from decimal import Decimal

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, INVOICES, Json, note, task, value

FORM = {"Form": [value(1, "Text", "Subject", "Desk")], "Projects": [INVOICES]}


def _approved(task_id: int, closed: str) -> Json:
    """A task that two people approve one after the other, which is the same step."""
    return task(
        task_id,
        "2026-03-02 00:00",
        note("2026-03-02 00:00", ANN, ReassignedTo=BOB),
        note("2026-03-02 00:10", BOB, ApprovalChoice="Approved"),
        note("2026-03-02 00:20", BOB, Text="Fine."),
        note("2026-03-02 00:30", CAT, ApprovalChoice="Approved"),
        note(closed, BOB, ActivityAction="Complete"),
        **FORM,
    )


def test_the_variants_of_a_form_are_ordered_by_their_number_of_cases(reports: Reports) -> None:
    handed_on = task(
        4,
        "2026-03-02 00:00",
        note("2026-03-02 01:00", BOB, Text="Not mine."),
        note("2026-03-02 02:00", BOB, ReassignedTo=CAT),
        note("2026-03-02 03:00", CAT, ActivityAction="Complete"),
        note("2026-03-02 04:00", ANN, ActivityAction="Reopen"),
        note("2026-03-02 10:00", CAT, ActivityAction="Complete"),
        **FORM,
    )
    still_open = task(5, "2026-03-02 00:00", note("2026-03-02 01:00", BOB, ApprovalChoice="Approved"), **FORM)
    cases = [_approved(hours, f"2026-03-02 {hours:02}:00") for hours in (1, 2, 3)]
    reports.load(*cases, handed_on, still_open)

    assert reports.ask("""
        SELECT form, variant_rank, path, step_count, task_count, share,
               cycle_p50_hours, cycle_p85_hours, cycle_p95_hours, cycle_average_hours, example_task_id
        FROM process_variants ORDER BY variant_rank
    """) == [
        ("Invoices", 1, "created → approved → completed", 3, 3, Decimal("0.75"),
         2, Decimal("2.70"), Decimal("2.90"), 2, 3),
        ("Invoices", 2, "created → reassigned → completed → reopened → completed", 5, 1, Decimal("0.25"),
         10, 10, 10, 10, 4),
    ]  # fmt: skip


def test_a_note_that_does_several_things_is_several_steps(reports: Reports) -> None:
    handed_on = note("2026-03-02 01:00", BOB, ApprovalChoice="Approved", ReassignedTo=CAT)
    handed_over = note("2026-03-02 00:30", BOB, ReassignedTo=BOB)
    ended = note("2026-03-02 02:00", CAT, ApprovalChoice="Approved", ActivityAction="Complete")
    reports.load(task(1, "2026-03-02 00:00", handed_over, handed_on, ended))

    assert reports.ask("SELECT path, step_count FROM process_variants") == [
        ("created → approved → reassigned → approved → completed", 5),
    ]


def test_tasks_without_a_form_are_a_group_of_their_own(reports: Reports) -> None:
    plain = task(6, "2026-03-02 00:00", note("2026-03-02 05:00", ActivityAction="Complete"))
    reports.load(_approved(1, "2026-03-02 01:00"), plain)

    assert reports.ask("SELECT form_id, path, share FROM process_variants ORDER BY form_id") == [
        (100, "created → approved → completed", 1),
        (None, "created → completed", 1),
    ]
