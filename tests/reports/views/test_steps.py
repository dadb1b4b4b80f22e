"""Steps of forms, the people of tasks and changes without a note, as API v4 serves them."""

from typing import Any

import pytest

from tests.reports.conftest import Reports
from tests.reports.world import INVOICES, Json, both_apis, note, task, utc, value

FORM = 100
ANN: Json = {"id": 1, "first_name": "Ann", "last_name": "Archer", "type": "user"}
BOB: Json = {"id": 2, "first_name": "Bob", "last_name": "Baker", "type": "user"}
BOARD: Json = {"id": 9, "type": "role"}


@pytest.fixture
def form(reports: Reports) -> Reports:
    """A form with two named steps, a third without tasks, and a role."""
    reports.connection.execute("INSERT INTO pyrus.projects (project_id, name) VALUES (100, 'Invoices')")
    reports.connection.execute("INSERT INTO pyrus.forms (form_id, name, seen_at) VALUES (100, 'Invoices', now())")
    reports.connection.execute(
        "INSERT INTO pyrus.form_steps VALUES (100, 1, 'Check'), (100, 2, 'Pay'), (100, 3, 'File')"
    )
    reports.connection.execute("INSERT INTO pyrus.roles (role_id, name) VALUES (9, 'The board')")
    return reports


def invoice(number: int, **properties: Any) -> Json:
    return {"id": number, "form_id": FORM, "author": ANN, "create_date": "2026-03-02T09:00:00Z", **properties}


def step(number: int, hours: float, name: str = "as it was") -> Json:
    return {"step": number, "name": name, "elapsed_time": int(hours * 3600000)}


def test_step_times_are_over_the_tasks_that_left_a_step_and_open_tasks_are_where_they_are(form: Reports) -> None:
    closed = {"is_closed": True, "close_date": "2026-03-10T09:00:00Z"}
    form.load_v4(
        invoice(1, current_step=2, steps=[step(1, 2), step(2, 1)]),  # its body was fetched an hour ago
        invoice(2, current_step=2, steps=[step(1, 4), step(2, 10)], **closed),
        invoice(3, current_step=1, steps=[step(1, 20), step(2, 0)]),
    )

    assert form.ask("""
        SELECT step_no, step, open_tasks, longest_now_hours, task_count, mean_hours, p50_hours, max_hours, total_hours
        FROM step_times WHERE form = 'Invoices' ORDER BY step_no
    """) == [
        (1, "Check", 1, 21, 2, 3, 3, 4, 6),
        (2, "Pay", 1, 2, 1, 10, 10, 10, 10),
        (3, "File", 0, None, 0, None, None, None, None),
    ]
    assert form.ask("SELECT task_id, step, is_current, hours FROM task_step_times ORDER BY 1, step_no") == [
        (1, "Check", False, 2),
        (1, "Pay", True, 2),
        (2, "Check", False, 4),
        (2, "Pay", False, 10),
        (3, "Check", True, 21),
    ]


def test_a_row_of_a_register_counts_in_its_step(form: Reports) -> None:
    form.connection.execute("""
        INSERT INTO pyrus.tasks (task_id, asap, is_any_rejected, is_closed, form_id, current_step)
        VALUES (1, false, false, false, 100, 2), (2, false, false, true, 100, 2), (3, false, false, false, 100, 8)
    """)

    assert form.ask("SELECT step_no, step, open_tasks, task_count FROM step_times ORDER BY 1") == [
        (1, "Check", 0, 0),
        (2, "Pay", 1, 0),
        (3, "File", 0, 0),
        (8, None, 1, 0),
    ]


def test_a_task_shows_the_name_of_its_step(form: Reports) -> None:
    form.load_v4(invoice(1, current_step=2, subject="Paper", due="2026-03-20T10:00:00Z"))

    assert form.ask("SELECT current_step, current_step_name, subject, due_at, due_date::text FROM task_overview") == [
        (2, "Pay", "Paper", utc("2026-03-20 10:00"), "2026-03-20")
    ]


def test_approvals_have_the_names_of_their_steps_and_the_step_that_a_note_gives_counts(form: Reports) -> None:
    """The note adds Bob to step 2, although that is the first in its array."""
    asked = {"person": BOB, "step": 2}
    form.load_v4(
        invoice(
            1,
            approvals=[
                [{"person": BOB, "approval_choice": "acknowledged"}],
                [{"person": BOB, "approval_choice": "waiting"}],
            ],
            comments=[
                {"id": 1, "author": ANN, "create_date": "2026-03-02T09:00:00Z"},
                {"id": 2, "author": BOB, "create_date": "2026-03-03T09:00:00Z", "approval_choice": "acknowledged"},
                {"id": 3, "author": ANN, "create_date": "2026-03-04T09:00:00Z", "approvals_added": [[asked]]},
            ],
        )
    )

    assert form.ask("SELECT step_no, step, decision, asked_at FROM approval_steps ORDER BY step_no") == [
        (1, "Check", "Acknowledged", utc("2026-03-02 09:00")),
        (2, "Pay", "Waiting", utc("2026-03-04 09:00")),
    ]
    assert form.ask("SELECT step, person FROM approvals_waiting") == [("Pay", "Bob Baker")]


def test_people_of_a_task_have_their_roles(form: Reports) -> None:
    form.load_v4(
        {
            "id": 1,
            "author": ANN,
            "responsible": BOB,
            "participants": [BOB, ANN],
            "subscribers": [{"person": BOARD, "approval_choice": "waiting"}, {"person": ANN}],
            "approvals": [[{"person": BOARD, "approval_choice": "approved"}]],
        }
    )

    assert form.ask("SELECT role, place_no, person, person_type, step_no, choice FROM task_people ORDER BY 1, 2") == [
        ("approver", 1, "The board", "role", 1, "Approved"),
        ("author", 1, "Ann Archer", "user", None, None),
        ("participant", 1, "Bob Baker", "user", None, None),
        ("participant", 2, "Ann Archer", "user", None, None),
        ("responsible", 1, "Bob Baker", "user", None, None),
        ("subscriber", 1, "The board", "role", None, "Waiting"),
        ("subscriber", 2, "Ann Archer", "user", None, None),
    ]
    assert form.ask("SELECT participants, participant_ids, subscribers, subscriber_ids FROM task_overview") == [
        ("Bob Baker, Ann Archer", [2, 1], "The board, Ann Archer", [9, 1])
    ]


def test_the_timeline_has_the_events_that_only_api_v4_gives(form: Reports) -> None:
    comments = [
        {"changed_step": 2, "text": "Over to you.", "subscribers_added": [{"person": BOB}]},
        {"reset_to_step": 1, "approval_choice": "acknowledged", "participants_added": [BOB]},
    ]
    dated = [
        {"id": n, "author": ANN, "create_date": f"2026-03-0{n}T09:00:00Z", **each} for n, each in enumerate(comments, 3)
    ]
    form.load_v4(invoice(1, comments=dated))
    found = form.ask(
        "SELECT note_no, kind, detail, about_person_id FROM task_timeline WHERE note_no > 0 ORDER BY event_no"
    )

    assert found == [
        (1, "step_changed", "Pay", None),
        (1, "subscriber_added", "Bob Baker", 2),
        (1, "commented", "Over to you.", None),
        (2, "step_changed", "Check", None),
        (2, "participant_added", "Bob Baker", 2),
        (2, "acknowledged", None, None),
    ]
    assert form.ask("SELECT changed_step_name, reset_to_step_name FROM task_notes ORDER BY note_no") == [
        ("Pay", None),
        (None, "Check"),
    ]


@both_apis
def test_a_field_that_is_not_as_a_note_left_it_was_changed_silently(reports: Reports) -> None:
    opening = note("2026-03-02 09:00", Form=[value(1, "Decimal", "Amount", 10), value(2, "Text", "What", "Paper")])
    later = note("2026-03-03 09:00", Form=[value(1, "Decimal", "Amount", 12)])
    as_noted = [value(1, "Decimal", "Amount", 12.0), value(2, "Text", "What", "Paper")]
    silently = [value(1, "Decimal", "Amount", 99), value(2, "Text", "What", "Paper"), value(3, "Text", "More", "new")]
    reports.load(
        task(1, "2026-03-02 09:00", opening, later, Form=as_noted, Projects=[INVOICES]),
        task(2, "2026-03-02 09:00", opening, later, Form=silently, Projects=[INVOICES]),
    )

    assert reports.ask("""
        SELECT task_id, form, field, noted_value, noted_at, noted_by, note_no, present_value FROM silent_changes
    """) == [(2, "Invoices", "Amount", "12", utc("2026-03-03 09:00"), "Ann Archer", 2, "99")]
