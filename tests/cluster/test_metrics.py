"""The figures of a cluster for Prometheus: the same in a file and at each worker."""

from pathlib import Path
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.cluster.clusters import Cluster
from tests.processes import eventually
from tests.typing import Query

STATES = """
    UPDATE pyrus_cluster.accounts SET next_at = clock_timestamp() + CASE login
            WHEN 'late' THEN interval '-1 hour' WHEN 'busy' THEN interval '10 minutes' ELSE interval '5 minutes' END,
        claim = CASE login WHEN 'busy' THEN gen_random_uuid() END, claimed_by = CASE login WHEN 'busy' THEN 'A' END,
        claimed_at = clock_timestamp(),
        failures = CASE login WHEN 'failing' THEN 3 ELSE 0 END, last_exit = CASE login WHEN 'failing' THEN 4 END,
        paused_at = CASE login WHEN 'refused' THEN clock_timestamp() END
"""
WORKER = """
    INSERT INTO pyrus_cluster.workers (name, token, version, schema_revision, accounts, seen_at)
    SELECT name, gen_random_uuid(), '1', '1', 25, clock_timestamp() + since
    FROM (VALUES ('A', interval '1 minute'), ('silent', interval '-1 minute')) AS worker (name, since)
"""


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """The values of each name, by the values of its labels, which are in the order of their names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_the_figures_say_what_is_due_at_work_and_failing(
    cluster: Cluster, database: Secret, query: Query, tmp_path: Path
) -> None:
    logins = ("busy", "failing", "late", "refused")
    with Sandbox(World(1, tasks=1)) as sandbox:
        for login in logins:
            assert cluster.add("acme", sandbox, database, "--login", login).returncode == 0
    query(cluster.url, STATES)
    query(cluster.url, WORKER)
    file = tmp_path / "pyrus_cluster.prom"
    assert cluster.program("cluster", "status", "--metrics", str(file)).returncode == 0
    found = samples(file.read_text("utf-8"))

    def by_login(name: str) -> dict[str, float]:
        return {login: value for (login, _), value in found[f"pyrus_etl_cluster_account_{name}"].items()}

    assert by_login("at_work") == {"busy": 1, "failing": 0, "late": 0, "refused": 0}
    assert by_login("paused") == {"busy": 0, "failing": 0, "late": 0, "refused": 1}
    assert by_login("failures") == {"busy": 0, "failing": 3, "late": 0, "refused": 0}
    assert by_login("last_exit") == {"failing": 4}
    overdue = by_login("overdue_seconds")
    assert 3600 <= overdue.pop("late") < 3700
    assert overdue == {"busy": 0, "failing": 0, "refused": 0}
    assert found["pyrus_etl_cluster_worker_alive"] == {("1", "A"): 1, ("1", "silent"): 0}
    assert found["pyrus_etl_cluster_worker_accounts"] == {("A",): 1, ("silent",): 0}
    assert found["pyrus_etl_cluster_worker_places"] == {("A",): 25, ("silent",): 25}
    assert set(found["pyrus_etl_cluster_jobs"].values()) == {0}
    assert len(found["pyrus_etl_cluster_jobs"]) == 8


def test_a_worker_shows_them_over_http(cluster: Cluster) -> None:
    with cluster.worker("--name", "A", "--listen", "127.0.0.1:0") as worker:
        eventually(lambda: "listening on http://" in worker.logged())
        origin = worker.logged().partition("listening on ")[2].split()[0]
        eventually(lambda: "worker A takes" in worker.logged())
        with urlopen(f"{origin}/healthz") as healthy, urlopen(f"{origin}/metrics") as figures:
            found = samples(figures.read().decode())

    assert healthy.status == 200
    assert found["pyrus_etl_cluster_worker_places"] == {("A",): 25}
