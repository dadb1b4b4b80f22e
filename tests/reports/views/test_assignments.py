"""Who was responsible for a task, and how long: assignments."""

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, both_apis, note, task, utc

HOLDERS = """
    SELECT handoff_no, person, given_by, from_at, until_at, held_hours, is_current, is_pingpong
    FROM assignments ORDER BY handoff_no
"""


@both_apis
def test_each_handoff_ends_a_period_and_begins_the_next(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 09:00", ANN, ReassignedTo=BOB),
            note("2026-03-03 09:00", BOB, ReassignedTo=CAT),
            note("2026-03-03 12:00", CAT, Text="Not mine."),
            note("2026-03-03 15:00", CAT, ReassignedTo=BOB),
            Responsible=BOB,
        )
    )

    assert reports.ask(HOLDERS) == [
        (0, "Bob Baker", "Ann Archer", utc("2026-03-02 09:00"), utc("2026-03-03 09:00"), 24, False, False),
        (1, "Cat Cooper", "Bob Baker", utc("2026-03-03 09:00"), utc("2026-03-03 15:00"), 6, False, False),
        (2, "Bob Baker", "Cat Cooper", utc("2026-03-03 15:00"), None, 309, True, True),
    ]


@both_apis
def test_closing_ends_the_last_period(reports: Reports) -> None:
    opening = note("2026-03-02 09:00", ANN, ReassignedTo=BOB)
    reports.load(task(1, "2026-03-02 09:00", opening, note("2026-03-02 21:00", BOB, ActivityAction="Complete")))

    assert reports.ask(HOLDERS) == [
        (0, "Bob Baker", "Ann Archer", utc("2026-03-02 09:00"), utc("2026-03-02 21:00"), 12, False, False),
    ]


@both_apis
def test_a_handoff_at_an_unknown_time_ends_the_period(reports: Reports) -> None:
    undated = note("2026-03-16 08:00", BOB, ReassignedTo=CAT) | {"CreateDate": None}
    reports.load(task(1, "2026-03-16 06:00", note("2026-03-16 06:00", ANN, ReassignedTo=BOB), undated, Responsible=CAT))

    assert reports.ask(HOLDERS) == [
        (0, "Bob Baker", "Ann Archer", utc("2026-03-16 06:00"), None, None, False, False),
        (1, "Cat Cooper", "Bob Baker", None, None, None, True, False),
    ]


@both_apis
def test_if_no_note_names_a_holder_it_is_the_responsible_of_the_task(reports: Reports) -> None:
    reports.load(task(1, "2026-03-16 09:00", note("2026-03-16 09:00"), Responsible=CAT), task(2, "2026-03-16 09:00"))

    assert reports.ask(HOLDERS) == [
        (0, "Cat Cooper", "Ann Archer", utc("2026-03-16 09:00"), None, 3, True, False),
    ]


@both_apis
def test_naming_the_holder_again_is_not_a_handoff(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-16 06:00",
            note("2026-03-16 06:00", ANN, ReassignedTo=BOB),
            note("2026-03-16 08:00", ANN, ReassignedTo=BOB),
        )
    )

    assert reports.ask(HOLDERS) == [
        (0, "Bob Baker", "Ann Archer", utc("2026-03-16 06:00"), None, 6, True, False),
    ]
