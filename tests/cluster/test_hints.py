"""Webhooks in a cluster: one process takes them, and a worker fetches their tasks at once."""

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.cluster.clusters import Cluster
from tests.conftest import settings_for
from tests.processes import eventually
from tests.serve.test_webhook import about, sent
from tests.serving import Serving
from tests.typing import Query

DONE = "SELECT backfilled_at IS NOT NULL FROM pyrus_cluster.accounts"
STORED = "SELECT count(*) FROM pyrus.tasks WHERE task_id = %s"


def test_a_webhook_becomes_a_job(cluster: Cluster, database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        cluster.add("acme", sandbox, database, "--every", "1h")
        settings = settings_for(sandbox, database, PYRUS_API="v4")
        with cluster.working(), Serving(settings, cluster=cluster.url) as served:
            eventually(lambda: query(cluster.url, DONE) == [(True,)])
            (created,) = sandbox.world.create()
            assert sent(served, about(created)).status == 200
            eventually(lambda: query(database, STORED, created) == [(1,)])
            eventually(lambda: query(cluster.url, "SELECT last_kind FROM pyrus_cluster.accounts") == [("hints",)])

    runs = query(database, "SELECT kind, status FROM pyrus.sync_runs")
    assert [run for run in runs if run[0] != "hints"] == [("sync", "ok")], "it was fetched by a run for hints"
    assert query(database, "SELECT count(*) FROM pyrus.sync_hints") == [(0,)]
