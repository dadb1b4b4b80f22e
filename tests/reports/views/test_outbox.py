"""What we wrote to Pyrus: outbox_overview, and the marks in task_timeline."""

from __future__ import annotations

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, both_apis, note, task, utc

INSERT = """
    INSERT INTO pyrus.outbox (outbox_id, action, task_id, body, status, created_by, created_at, tried_at, sent_at,
                              attempts, error, answer, account_id)
    VALUES (%s, %s, %s, %s, %s, 'erp', %s, %s, %s, 1, %s, %s, 1)
"""


def row(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def add(reports: Reports, number: int, status: str, text: str, sent: str = "", **more: object) -> None:
    """A row of the outbox; sent ones were tried a second before."""
    given = {"action": "comment", "task_id": 1, "error": None, "answer": None} | more
    reports.connection.execute(
        INSERT.encode(),
        [
            row(number),
            given["action"],
            given["task_id"],
            f'{{"text": "{text}"}}',
            status,
            utc(f"2026-03-15 0{number}:00"),
            utc(sent) if sent else None,
            utc(sent) if sent else None,
            given["error"],
            given["answer"],
        ],
    )


def test_the_overview_says_what_waits_what_was_sent_and_what_was_refused(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", note("2026-03-02 09:00", ANN), Text="Desk"))
    add(reports, 1, "sent", "Paid", sent="2026-03-15 01:02")
    add(reports, 2, "refused", "Closed", error="No access.", answer='{"code": "access_denied_task"}')
    add(reports, 3, "waiting", "Thanks")
    add(reports, 4, "waiting", "New", action="task", task_id=None)

    assert reports.ask("""
        SELECT outbox_id::text, status, text, written, seconds::integer, refusal_code, waits_for::text
        FROM outbox_overview ORDER BY created_at
    """) == [
        (row(1), "sent", "Desk", "Paid", 120, None, None),
        (row(2), "refused", "Desk", "Closed", None, "access_denied_task", None),
        (row(3), "waiting", "Desk", "Thanks", 33 * 3600, None, row(2)),
        (row(4), "waiting", None, "New", 32 * 3600, None, None),
    ]


@both_apis
def test_the_timeline_marks_what_the_outbox_made(reports: Reports) -> None:
    """A note is found by its id, or by its author, text and time; a new task by its first note."""
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 09:00", BOB, Text="A desk, please."),
            note("2026-03-15 01:02", ANN, Text="Paid", Id=77, ActivityAction="Complete"),
            note("2026-03-15 02:02", ANN, Text="Thanks"),
            note("2026-03-15 02:03", BOB, Text="Thanks"),
        ),
        task(
            2, "2026-03-15 03:01", note("2026-03-15 03:01", ANN, Text="Order"), note("2026-03-15 05:00", BOB, Text="Ok")
        ),
    )
    add(reports, 1, "sent", "Paid", sent="2026-03-15 01:02", answer='{"note_id": 77}')
    add(reports, 2, "sent", "Thanks", sent="2026-03-15 02:02", answer=thanked(reports))
    add(reports, 3, "sent", "Order", sent="2026-03-15 03:01", action="task", task_id=2)

    assert reports.ask("""
        SELECT task_id, kind, detail, outbox_id::text FROM task_timeline ORDER BY task_id, event_no
    """) == [
        (1, "created", "Task 1", None),
        (1, "commented", "A desk, please.", None),
        (1, "commented", "Paid", row(1)),
        (1, "completed", None, row(1)),
        (1, "commented", "Thanks", row(2)),
        (1, "commented", "Thanks", None),
        (2, "created", "Task 2", row(3)),
        (2, "commented", "Order", row(3)),
        (2, "commented", "Ok", None),
    ]


def thanked(reports: Reports) -> str:
    """The answer to the second row: the id of its note, if the API gives one."""
    ((note_id,),) = reports.ask("SELECT note_id FROM task_notes WHERE note_no = 3")
    return "{}" if note_id is None else f'{{"note_id": {note_id}}}'
