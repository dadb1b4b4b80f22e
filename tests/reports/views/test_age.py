"""The age of the open work, alone and compared with closed tasks."""

from datetime import datetime, timedelta
from decimal import Decimal

from tests.reports.conftest import Reports
from tests.reports.world import BOB, CONTRACTS, INVOICES, LEGAL, NOW, Json, note, on, task, value


def ago(**period: float) -> str:
    return str(datetime.fromisoformat(NOW) - timedelta(**period))


def invoice(task_id: int, created: str, *notes: Json) -> Json:
    return task(task_id, created, *notes, Projects=[INVOICES], Form=[value(1, "Text", "Subject", "Paper")])


def taken(task_id: int, hours: int, closed: str) -> Json:
    """An invoice that was closed after this number of hours."""
    created = datetime.fromisoformat(closed) - timedelta(hours=hours)
    return invoice(task_id, str(created), note(closed, ActivityAction="Complete"))


def test_open_tasks_are_counted_by_age_form_and_project(reports: Reports) -> None:
    reports.load(
        task(1, ago(hours=23), Projects=[CONTRACTS], Responsible=BOB, DueDate=on("2026-03-15")),
        task(2, ago(hours=11), Projects=[CONTRACTS, LEGAL], DueDate=on("2026-03-16")),
        invoice(3, ago(days=10)),
        task(4, ago(days=10), note(ago(days=9), ActivityAction="Complete")),
    )

    columns = "bucket, form, project, open, overdue, without_responsible, age_days"
    assert reports.ask(f"SELECT {columns} FROM backlog_age ORDER BY bucket_no") == [
        ("under 1 day", None, "Legal / Contracts", 2, 1, 1, Decimal("1.42")),
        ("7 to 14 days", "Invoices", "Invoices", 1, 0, 1, Decimal("10.00")),
    ]


def test_an_age_begins_with_its_first_day_and_ends_before_its_last(reports: Reports) -> None:
    borders = (0, 1, 3, 7, 14, 30, 90, 180, 365)
    for number, days in enumerate(borders):
        reports.load(task(2 * number, ago(days=days)), task(2 * number + 1, ago(days=days, seconds=-1)))

    assert reports.ask("SELECT bucket_no, from_days, to_days, open FROM backlog_age ORDER BY 1") == [
        (1, 0, 1, 3),  # the last of them is created a second from now
        (2, 1, 3, 2),
        (3, 3, 7, 2),
        (4, 7, 14, 2),
        (5, 14, 30, 2),
        (6, 30, 90, 2),
        (7, 90, 180, 2),
        (8, 180, 365, 2),
        (9, 365, None, 1),
    ]


def test_an_open_task_is_beside_the_closed_ones_of_its_form(reports: Reports) -> None:
    """Closed after 10, 20, 30, 40 and 50 hours: p50 is 30, p85 is 44, p95 is 48."""
    reports.load(*(taken(number, 10 * number, "2026-03-10 12:00") for number in (1, 2, 3, 4, 5)))
    reports.load(invoice(11, ago(hours=30)), invoice(12, ago(hours=44)), invoice(13, ago(hours=45)))

    columns = "task_id, age_hours, p50_hours, p85_hours, p95_hours, sample_size, percentile_reached, is_beyond_p85"
    of_kind = *map(Decimal, (30, 44, 48)), 5
    assert reports.ask(f"SELECT {columns} FROM aging_work ORDER BY 1") == [
        (11, 30, *of_kind, 60, False),
        (12, 44, *of_kind, 80, False),
        (13, 45, *of_kind, 80, True),
    ]


def test_tasks_without_a_form_are_a_group_and_a_group_without_closed_tasks_has_no_percentiles(reports: Reports) -> None:
    reports.load(
        task(1, ago(hours=8), note(ago(hours=4), ActivityAction="Complete")),
        task(2, ago(hours=5)),
        invoice(3, ago(hours=5)),
    )

    columns = "task_id, form, p50_hours, sample_size, percentile_reached, is_beyond_p85"
    assert reports.ask(f"SELECT {columns} FROM aging_work ORDER BY 1") == [
        (2, None, 4, 1, 100, True),
        (3, "Invoices", None, 0, None, None),
    ]


def test_deleted_tasks_and_those_closed_over_a_year_ago_do_not_count(reports: Reports) -> None:
    reports.load(taken(1, 5, ago(days=365)), taken(2, 500, ago(days=365, seconds=1)), taken(3, 500, ago(days=1)))
    reports.load(invoice(4, ago(hours=2)), invoice(5, ago(hours=2)))
    reports.connection.execute("UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id IN (3, 5)")

    assert reports.ask("SELECT task_id, p95_hours, sample_size FROM aging_work") == [(4, 5, 1)]
