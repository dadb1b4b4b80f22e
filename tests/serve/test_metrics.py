"""The figures for Prometheus: their names and labels are fixed, and the runs of every process count."""

from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pyrus_etl.errors import LoginRefused
from pyrus_etl.postgres.connection import connect
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.serve.metrics import metrics
from pyrus_etl.settings import Quota, Secret
from tests.runs import sync
from tests.typing import Query

QUOTA = Quota(5000, 600)
NAMES = {
    ("pyrus_etl_runs_total", ("kind", "status")),
    ("pyrus_etl_requests_total", ()),
    ("pyrus_etl_tasks_total", ("outcome",)),
    ("pyrus_etl_last_success_timestamp_seconds", ("kind",)),
    ("pyrus_etl_lag_seconds", ()),
    ("pyrus_etl_open_errors", ()),
    ("pyrus_etl_quota_remaining", ()),
    ("pyrus_etl_rows", ("table",)),
    ("pyrus_etl_webhooks_total", ("outcome",)),
}


def samples(database: Secret, **options: Any) -> dict[str, dict[tuple[str, ...], float]]:
    """The values of each name, by the values of its labels."""
    with connect(database) as connection:
        text = metrics(connection, {None: QUOTA}, **options).decode()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert (sample.name, tuple(sample.labels)) in NAMES
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_the_figures_are_those_of_the_tables(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        first, second = (sync(sandbox, database).counts for _ in range(2))
        with pytest.raises(LoginRefused):
            sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")
        query(database, "UPDATE pyrus.sync_cursors SET cursor = now() - interval '1 hour'")
        found = samples(database, webhooks={"accepted": 3})
        sent = sandbox.requests.total

    ((ended,),) = query(
        database, "SELECT extract(epoch FROM max(finished_at)) FROM pyrus.sync_runs WHERE status = 'ok'"
    )
    assert found["pyrus_etl_runs_total"] == {("sync", "ok"): 2, ("sync", "failed"): 1}
    assert found["pyrus_etl_requests_total"] == {(): sent}
    assert found["pyrus_etl_tasks_total"] == {
        ("listed",): first.tasks_listed + second.tasks_listed,
        ("fetched",): 30,
        ("changed",): 30,
        ("unchanged",): first.tasks_unchanged + second.tasks_unchanged,
        ("deleted",): 0,
        ("failed",): 0,
    }
    assert found["pyrus_etl_last_success_timestamp_seconds"] == {("sync",): pytest.approx(float(ended))}
    assert found["pyrus_etl_lag_seconds"][()] == pytest.approx(3600, abs=60)
    assert found["pyrus_etl_open_errors"] == {(): 0}
    assert found["pyrus_etl_quota_remaining"] == {(): QUOTA.requests - sent}
    assert found["pyrus_etl_rows"]["tasks",] == 30
    assert found["pyrus_etl_rows"]["sync_errors",] == 0
    assert found["pyrus_etl_webhooks_total"] == {("accepted",): 3}
    assert found.keys() == {name for name, _ in NAMES}


def test_an_empty_database_has_figures_too(database: Secret) -> None:
    found = samples(database)

    assert found["pyrus_etl_requests_total"] == {(): 0}
    assert found["pyrus_etl_quota_remaining"] == {(): QUOTA.requests}
    assert "pyrus_etl_lag_seconds" not in found, "no cursor yet"
    assert "pyrus_etl_webhooks_total" not in found, "this process takes none"


def test_a_run_that_works_is_not_counted_yet(database: Secret, query: Query) -> None:
    columns = "(run_id, kind, status, started_at)"
    query(database, f"INSERT INTO pyrus.sync_runs {columns} VALUES (gen_random_uuid(), 'sync', 'running', now())")

    assert "pyrus_etl_runs_total" not in samples(database)


def test_the_rows_of_a_large_table_are_not_counted_at_each_look(
    database: Secret, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    query(database, "INSERT INTO pyrus.persons (person_id) SELECT generate_series(1, 50)")
    query(database, "ANALYZE pyrus.persons")
    query(database, "ALTER TABLE pyrus.persons SET (autovacuum_enabled = off)")
    monkeypatch.setattr("pyrus_etl.serve.metrics.MOST_COUNTED", 40)

    with psycopg.connect(database.reveal()) as other:
        other.execute("LOCK TABLE pyrus.persons")

        assert samples(database)["pyrus_etl_rows"]["persons",] == 50
