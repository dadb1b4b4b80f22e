"""A worker: what it does for each account, and that the trouble of one is no trouble of the others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.cluster import registry
from pyrus_etl.cluster.database import transact
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret
from tests.cluster.clusters import Cluster
from tests.conftest import clone
from tests.postgres.test_pooler import pooler
from tests.processes import eventually
from tests.servers import Server
from tests.sync.alerts.test_alerts import receiver
from tests.typing import Query

ACCOUNT = """
    SELECT last_exit, last_error, paused_because, failures, backfilled_at IS NOT NULL
    FROM pyrus_cluster.accounts WHERE org = %s
"""
DUE = "UPDATE pyrus_cluster.accounts SET next_at = clock_timestamp() WHERE org = %s"


@pytest.fixture
def another_database(postgresql_18: Server) -> Iterator[Callable[[], Secret]]:
    """`another_database()`: one more database with the schema."""
    with ExitStack() as made:
        yield lambda: made.enter_context(clone(postgresql_18))


def test_trouble_of_one_organisation_is_said_and_the_others_go_on(
    cluster: Cluster, database: Secret, another_database: Callable[[], Secret], query: Query
) -> None:
    """A refused login pauses; a missing file or database is tried again; another revision is left to its workers."""
    with Sandbox(World(1, tasks=30)) as sandbox:
        databases = {org: another_database() for org in ("refused", "keyless", "gone", "newer", "older")}
        for org, url in {"well": database, **databases}.items():
            cluster.add(org, sandbox, url, "--every", "1h")
        cluster.file("refused.key", "wrong")
        (cluster.folder / "keyless.key").unlink()
        cluster.file("gone.url", databases["gone"].reveal().replace("test_", "no_"))
        query(databases["newer"], "UPDATE pyrus.alembic_version SET version_num = '9999'")
        query(databases["older"], "UPDATE pyrus.alembic_version SET version_num = '0001'")

        def account(org: str) -> tuple[object, ...]:
            ((found,),) = [query(cluster.url, ACCOUNT, org)]
            return found

        with cluster.working():
            eventually(lambda: account("well")[0] == 0)
            eventually(lambda: account("refused")[0] == 3)
            eventually(lambda: account("keyless")[0] == 2)
            eventually(lambda: account("gone")[0] == 5)
            eventually(lambda: len(query(cluster.url, REVISIONS)) == 2)

            assert query(database, "SELECT count(*) FROM pyrus.tasks WHERE detail_at IS NOT NULL") == [(30,)]
            assert account("well") == (0, None, None, 0, True)
            assert "pyrus-etl cluster resume" in str(account("refused")[2])
            assert f"The key file {cluster.folder}/keyless.key of keyless/" in str(account("keyless")[1])
            assert "No such file or directory" in str(account("keyless")[1])
            assert str(account("gone")[1]).startswith("The database of gone cannot be used: ")
            assert (account("gone")[2], account("keyless")[2]) == (None, None), "neither is paused: it may pass"
            assert query(cluster.url, REVISIONS) == [("newer", "9999"), ("older", "0001")]

            cluster.file("refused.key", sandbox.options.security_key)
            assert cluster.program("cluster", "resume", "refused").returncode == 0
            eventually(lambda: account("refused")[0] == 0)
            query(databases["older"], "UPDATE pyrus.alembic_version SET version_num = %s", REVISION)
            query(cluster.url, "UPDATE pyrus_cluster.organisations SET revision_seen_at = now() - interval '2 minutes'")
            eventually(lambda: account("older")[0] == 0)

        said = cluster.program("cluster", "status").stdout
        assert "its database is at revision 9999, this version expects" in said
        assert "No worker is alive" in said


REVISIONS = """
    SELECT org, schema_revision FROM pyrus_cluster.organisations
    WHERE schema_revision IN ('9999', '0001') ORDER BY org
"""


def test_slices_go_on_until_all_is_fetched_and_a_lost_queue_loses_nothing(
    cluster: Cluster, database: Secret, query: Query
) -> None:
    """The queue's tables are dropped while a slice is at work: its commits go on, and the queue is made again."""
    with Sandbox(World(1, tasks=500), quota=(100, 0.5)) as sandbox:
        cluster.add("acme", sandbox, database, "--every", "1h", "--quota", "100/1s")
        with cluster.working(seconds=3):
            eventually(lambda: query(database, DETAILED)[0][0] > 100)
            query(cluster.url, "DROP TABLE procrastinate_jobs, procrastinate_workers CASCADE")
            eventually(lambda: query(cluster.url, ACCOUNT, "acme")[0] == (0, None, None, 0, True), seconds=180)
            assert query(cluster.url, "SELECT to_regclass('procrastinate_jobs') IS NOT NULL") == [(True,)]

    runs = query(database, "SELECT status, tasks_fetched FROM pyrus.sync_runs ORDER BY run_id")
    assert len(runs) > 1, "slices"
    assert {status for status, _ in runs} == {"partial", "ok"}
    assert sum(fetched for _, fetched in runs) == 500, "no task is fetched twice"
    assert sandbox.requests.logins == 1


DETAILED = "SELECT count(*) FROM pyrus.tasks WHERE detail_at IS NOT NULL"


def test_a_worker_waits_while_the_database_of_the_queue_is_away_or_made_again(
    cluster: Cluster, database: Secret, postgresql_18: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It starts before its database does; later that is dropped, and the administrator makes all of it again."""
    name = str(conninfo_to_dict(cluster.url.reveal())["dbname"])

    def is_at_work_on(sandbox: Sandbox) -> None:
        assert cluster.add("acme", sandbox, database, "--every", "1h").returncode == 0
        eventually(lambda: transact(cluster.url, registry.overview)["accounts"][0]["last_exit"] == 0)
        (worker,) = transact(cluster.url, registry.overview)["workers"]
        assert (worker["name"], worker["is_alive"]) == ("in the test", True)

    def is_logged(why: str) -> None:
        eventually(lambda: f"{why} The worker tries again." in caplog.text)

    with Sandbox(World(1, tasks=5)) as sandbox:
        postgresql_18.execute(f"ALTER DATABASE {name} RENAME TO {name}_away")
        with cluster.working():
            is_logged("does not exist; create it, or name another in PYRUS_ETL_CLUSTER_URL.")
            postgresql_18.execute(f"ALTER DATABASE {name}_away RENAME TO {name}")
            is_at_work_on(sandbox)

            postgresql_18.execute(f"DROP DATABASE {name} WITH (FORCE)")
            postgresql_18.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
            is_logged("The cluster's database has no tables yet; run pyrus-etl cluster init.")
            assert cluster.program("cluster", "init").returncode == 0
            is_at_work_on(sandbox)


def test_it_works_through_a_transaction_pooler(cluster: Cluster, database: Secret, query: Query) -> None:
    with pooler(cluster.url) as pooled, pooler(database) as pooled_database, Sandbox(World(1, tasks=30)) as sandbox:
        cluster.add("acme", sandbox, pooled_database, "--every", "1s")
        with cluster.working(pooled):
            eventually(lambda: query(cluster.url, ACCOUNT, "acme")[0][0] == 0)
            (created,) = sandbox.world.create()
            stored = "SELECT count(*) FROM pyrus.tasks WHERE task_id = %s"
            eventually(lambda: query(database, stored, created) == [(1,)])
            assert query(cluster.url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'") == [(0,)]


def test_an_account_that_always_dies_is_paused_with_an_alert(cluster: Cluster, database: Secret, query: Query) -> None:
    """A job of a worker that has died, and whose account died four times before."""
    with Sandbox(World(1, tasks=5)) as sandbox, receiver() as told:
        cluster.add("acme", sandbox, database)
        cluster.program("cluster", "run", "acme")
        query(cluster.url, "UPDATE pyrus_cluster.accounts SET claim = gen_random_uuid(), deaths = 4, claimed_by = 'it'")
        query(cluster.url, "UPDATE procrastinate_jobs SET status = 'doing'")
        with cluster.working(PYRUS_ETL_ALERT_URL=told.url):
            eventually(lambda: query(cluster.url, ACCOUNT, "acme")[0][2] is not None)
            eventually(lambda: told.got)

    assert [(each["event"], each["error"][:20]) for each in told.got] == [("failing", "acme/robot@northligh")]
    assert "5 slices in a row have died" in cluster.program("cluster", "status").stdout
