"""The state of the connector: runs, the age of the data, tasks set aside."""

from decimal import Decimal
from typing import Any

import pytest

from tests.reports.conftest import FETCHED, Reports
from tests.reports.world import ANN, BOB, CONTRACTS, task

ACCOUNT = ANN["Id"]
FRESHNESS = "kind, to_char(complete_started_at, 'HH24:MI'), usual_gap_seconds, latest_status, is_overdue"


def run(reports: Reports, started: str, finished: str | None, kind: str = "sync", **columns: Any) -> None:
    """Adds a run of Ann's account on the 16th of March, complete unless `status` says otherwise."""
    row = {
        "account_id": ACCOUNT,
        "kind": kind,
        "status": "ok",
        "started_at": f"2026-03-16 {started}+00",
        "finished_at": finished and f"2026-03-16 {finished}+00",
        **columns,
    }
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    insert = f"INSERT INTO pyrus.sync_runs (run_id, {names}) VALUES (gen_random_uuid(), {places})"
    reports.connection.execute(insert.encode(), list(row.values()))


def fetched(reports: Reports, task_id: int, moment: str) -> None:
    """Adds a body that was fetched at this time on the 16th of March."""
    update = "UPDATE pyrus.raw_tasks SET fetched_at = %s WHERE task_id = %s"
    reports.connection.execute(update, [f"2026-03-16 {moment}+00", task_id])


def test_a_run_has_its_duration_its_rates_and_the_time_since_the_one_before(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00"))
    run(reports, "09:00", "09:01", tasks_fetched=120, tasks_changed=90, requests=150, retries=15)
    run(reports, "09:02", "09:03", "reconcile", status="failed", error="Pyrus cannot be reached.")
    run(reports, "11:59", None, status="running")

    columns = "account, kind, status, duration_seconds, since_previous_seconds, fetched_per_second, requests_per_second"
    shares = "changed_share, retried_share, error"
    assert reports.ask(f"SELECT {columns}, {shares} FROM sync_history ORDER BY started_at") == [
        ("Ann Archer", "sync", "ok", 60, None, 2, Decimal("2.5"), Decimal("0.75"), Decimal("0.1"), None),
        ("Ann Archer", "reconcile", "failed", 60, None, 0, 0, None, None, "Pyrus cannot be reached."),
        ("Ann Archer", "sync", "running", 60, 10740, 0, 0, None, None, None),
    ]


@pytest.mark.parametrize(("last", "overdue"), [("10:30", False), ("10:29", True)])
def test_a_run_is_overdue_after_three_times_the_usual_interval(reports: Reports, last: str, overdue: bool) -> None:
    """Complete runs usually start half an hour apart; it is 12:00."""
    for started in ("08:30", "09:00", "09:30", last):
        run(reports, started, started)
    run(reports, "11:50", "11:51", status="failed", error="It failed.")

    assert reports.ask(f"SELECT {FRESHNESS} FROM sync_freshness") == [("sync", last, 1800, "failed", overdue)]


def test_nothing_is_overdue_within_an_hour(reports: Reports) -> None:
    """Complete runs started ten seconds apart; it is 12:00."""
    run(reports, "11:00:00", "11:00:01")
    run(reports, "11:00:10", "11:00:11")
    run(reports, "11:00:00", None, "reconcile", status="running")
    before = reports.ask(f"SELECT {FRESHNESS} FROM sync_freshness ORDER BY kind")
    reports.connection.execute("UPDATE pyrus.sync_runs SET started_at = started_at - interval '11 seconds'")

    assert before == [("reconcile", None, None, "running", False), ("sync", "11:00", 10, "ok", False)]
    assert reports.ask("SELECT kind, is_overdue FROM sync_freshness ORDER BY kind") == [
        ("reconcile", True),
        ("sync", True),
    ]


def test_one_run_has_no_usual_interval_and_a_kind_that_was_never_complete_is_overdue(reports: Reports) -> None:
    run(reports, "01:00", "01:10", "backfill")
    run(reports, "02:00", "02:10", "reconcile", status="partial")
    run(reports, "03:00", "03:10", "sync")

    assert reports.ask(f"SELECT {FRESHNESS} FROM sync_freshness ORDER BY kind") == [
        ("backfill", "01:00", None, "ok", False),
        ("reconcile", None, None, "partial", True),
        ("sync", "03:00", None, "ok", False),
    ]


def test_the_data_are_as_old_as_the_cursor_says(reports: Reports) -> None:
    run(reports, "11:50", "11:51")
    insert = "INSERT INTO pyrus.sync_cursors VALUES (%s, 'tasks', '2026-03-16 11:50:30+00', now())"
    reports.connection.execute(insert, [ACCOUNT])

    assert reports.ask("SELECT since_complete_seconds, behind_seconds FROM sync_freshness") == [(600, 570)]


def test_lag_is_counted_by_run_and_day_after_the_first_complete_run(reports: Reports) -> None:
    run(reports, "08:00", "09:00", "backfill")
    run(reports, "10:00", "10:10", status="failed", error="It failed.")
    run(reports, "10:20", "10:30", "reconcile")
    for task_id, changed, brought in (
        (1, "2026-01-01 00:00", "08:30"),  # by the backfill
        (2, "2026-03-16 10:00", "10:01"),
        (3, "2026-03-16 10:00", "10:03"),
        (4, "2026-03-16 10:20", "10:25"),
        (5, "2026-03-16 10:20", "10:35"),  # by no run
    ):
        reports.load(task(task_id, changed))
        fetched(reports, task_id, brought)

    columns = "scope, kind, tasks, lag_p50_seconds, lag_p85_seconds, lag_p95_seconds, lag_max_seconds"
    assert reports.ask(f"SELECT day::text, {columns} FROM sync_lag ORDER BY started_at NULLS FIRST") == [
        ("2026-03-16", "day", None, 3, 180, 264, 288, 300),
        ("2026-03-16", "run", "sync", 2, 120, 162, 174, 180),
        ("2026-03-16", "run", "reconcile", 1, 300, 300, 300, 300),
    ]


def test_a_task_counts_once_even_if_runs_of_two_accounts_overlap(reports: Reports) -> None:
    for account in (ANN["Id"], BOB["Id"]):
        run(reports, "08:00", "09:00", "backfill", account_id=account)
    run(reports, "10:00", "10:10", account_id=ANN["Id"])
    run(reports, "10:01", "10:10", account_id=BOB["Id"])
    reports.load(task(1, "2026-03-16 10:00"))
    fetched(reports, 1, "10:03")

    assert reports.ask("SELECT scope, account_id, tasks FROM sync_lag ORDER BY scope") == [
        ("day", None, 1),
        ("run", BOB["Id"], 1),
    ]


def test_there_is_no_lag_without_a_complete_run(reports: Reports) -> None:
    run(reports, f"{FETCHED:%H}:00", None, status="running")
    reports.load(task(1, "2026-03-16 10:00"))

    assert reports.ask("SELECT * FROM sync_lag") == []


def test_a_task_set_aside_shows_its_stored_version_until_it_is_resolved(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", Projects=[CONTRACTS], Author=BOB))
    reports.connection.cursor().executemany(
        """
        INSERT INTO pyrus.sync_errors (task_id, first_seen_at, stage, error, last_seen_at, attempts, resolved_at)
        VALUES (%s, '2026-03-16 09:30+00', 'fetch', 'Refused with 403.', '2026-03-16 11:30+00', 3, %s)
        """,
        [(1, None), (2, None), (3, "2026-03-16 11:40+00")],
    )

    assert reports.ask("SELECT task_id, link, text, project, error, open_hours, is_stored FROM open_errors") == [
        (1, "https://pyrus.com/t#id1", "Task 1", "Legal / Contracts", "Refused with 403.", Decimal("2.5"), True),
        (2, "https://pyrus.com/t#id2", None, None, "Refused with 403.", Decimal("2.5"), False),
    ]


def test_a_task_that_two_accounts_cannot_load_has_a_row_for_each(reports: Reports) -> None:
    reports.connection.cursor().executemany(
        """
        INSERT INTO pyrus.sync_errors (task_id, account_id, first_seen_at, stage, error, last_seen_at, attempts)
        VALUES (1, %s, now(), 'fetch', 'Refused with 403.', now(), 1)
        """,
        [(account,) for account in (0, ANN["Id"], BOB["Id"])],
    )

    assert reports.ask("SELECT task_id, account_id FROM open_errors ORDER BY 2") == [
        (1, ANN["Id"]),
        (1, BOB["Id"]),
        (1, None),
    ]
