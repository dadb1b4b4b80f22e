"""Rows about runs go when they are old, unless a view, an alert or a later run needs them; no counter falls."""

from pyrus_etl.postgres.connection import connect
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.serve.metrics import metrics
from pyrus_etl.settings import Quota, Secret
from tests.runs import sync
from tests.typing import Query

KEEP = "100d"
RUNS = """
    INSERT INTO pyrus.sync_runs
        (run_id, account_id, login, kind, status, started_at, finished_at, requests, tasks_changed)
    SELECT gen_random_uuid(), account_id, login, kind, status, now() - days * interval '1 day',
        CASE WHEN status <> 'running' THEN now() - days * interval '1 day' END, 10, 3
    FROM (VALUES
        (7, 'bot', 'sync', 'ok', 400), (7, 'bot', 'sync', 'ok', 300), (7, 'bot', 'sync', 'ok', 99),
        (7, 'bot', 'sync', 'failed', 300), (7, 'bot', 'sync', 'failed', 200),
        (7, 'bot', 'reconcile', 'ok', 250), (7, 'bot', 'backfill', 'running', 300),
        (8, 'bot 2', 'sync', 'ok', 300),
        (NULL, 'wrong', 'sync', 'failed', 300), (NULL, 'wrong', 'sync', 'failed', 200),
        (7, 'bot', 'hints', 'ok', 50), (7, 'bot', 'hints', 'ok', 2), (7, 'bot', 'hints', 'ok', 0.1),
        (7, 'bot', 'hints', 'failed', 50), (7, 'bot', 'hints', 'failed', 40)
    ) AS run (account_id, login, kind, status, days)
"""
LEFT = """
    SELECT login, kind, status, round(extract(epoch FROM now() - started_at) / 86400, 1)::float8 FROM pyrus.sync_runs
    WHERE started_at < now() - interval '1 minute' ORDER BY 1, 2, 3, 4
"""
ERRORS = """
    INSERT INTO pyrus.sync_errors
        (account_id, task_id, stream, first_seen_at, stage, error, last_seen_at, attempts, resolved_at)
    SELECT 8, task_id, 'tasks', '2000-01-01', 'fetch', 'x', '2000-01-01', 1, now() - days * interval '1 day'
    FROM (VALUES (1, 99), (2, 101), (3, NULL)) AS error (task_id, days)
"""
HINTS = """
    INSERT INTO pyrus.sync_hints (task_id, login, first_at, last_at, times)
    SELECT days, 'a bot that is gone', '2000-01-01', now() - days * interval '1 day', 1
    FROM unnest(ARRAY[99, 101]) AS days
"""
ALERTS = """
    INSERT INTO pyrus.sync_alerts (alert_id, event, at, account_id, login, run_id, kind, sent_at)
    SELECT lpad(days::text, 32, '0')::uuid, event, '2000-01-01', account_id, 'bot', gen_random_uuid(), 'sync',
        CASE WHEN is_sent THEN now() - (1000 - days) * interval '1 day' END
    FROM (VALUES
        ('failing', 7, 500, true), ('failing', 7, 600, true), ('recovered', 7, 550, true),
        ('failing', 8, 400, true), ('failing', 7, 300, false)
    ) AS alert (event, account_id, days, is_sent)
"""


def test_old_rows_go_and_what_is_needed_stays(database: Secret, query: Query) -> None:
    def counters() -> dict[str, float]:
        """The lines of /metrics that count runs, requests and tasks."""
        with connect(database) as connection:
            lines = metrics(connection, {None: Quota(5000, 600)}).decode().splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines)
            if "_total" in name and name[0] != "#"
        }

    for rows in (RUNS, ERRORS, HINTS, ALERTS):
        query(database, rows)
    before = counters()
    with Sandbox(World(1, tasks=0)) as sandbox:
        result = sync(sandbox, database, PYRUS_ETL_KEEP_RUNS=KEEP)

    assert query(database, LEFT) == [
        ("bot", "backfill", "running", 300.0),
        ("bot", "hints", "failed", 40.0),
        ("bot", "hints", "failed", 50.0),
        ("bot", "hints", "ok", 0.1),
        ("bot", "reconcile", "ok", 250.0),
        ("bot", "sync", "failed", 200.0),
        ("bot", "sync", "ok", 99.0),
        ("bot 2", "sync", "ok", 300.0),
        ("wrong", "sync", "failed", 200.0),
    ]
    assert query(database, "SELECT task_id FROM pyrus.sync_errors ORDER BY 1") == [(1,), (3,)]
    assert query(database, "SELECT task_id FROM pyrus.sync_hints") == [(99,)]
    assert query(database, "SELECT right(alert_id::text, 3) FROM pyrus.sync_alerts ORDER BY 1") == [
        ("300",), ("400",), ("550",), ("600",),
    ]  # fmt: skip
    after = counters()
    added = {name: after[name] - value for name, value in before.items()}
    assert added.pop('pyrus_etl_runs_total{kind="sync",status="ok"}') == 1
    assert added.pop("pyrus_etl_requests_total") == result.counts.requests
    assert set(added.values()) == {0}
