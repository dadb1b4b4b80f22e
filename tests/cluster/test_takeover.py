"""Workers are frozen, asked to end, and killed: others go on, and nothing that is committed is fetched twice."""

import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.cluster.clusters import Cluster
from tests.oracle import assert_tables_equal_world
from tests.processes import eventually
from tests.runs import program_environment
from tests.typing import Query

COMMITTED = "SELECT array_agg(task_id) FROM pyrus.raw_tasks"
BY = "SELECT claimed_by FROM pyrus_cluster.accounts WHERE claim IS NOT NULL"
WORKERS = "SELECT array_agg(name) FROM pyrus_cluster.workers"
LAST = "SELECT status FROM pyrus.sync_runs ORDER BY finished_at DESC NULLS LAST LIMIT 1"
TASKS = 2000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot freeze a process")
def test_the_work_of_a_frozen_stopped_or_killed_worker_goes_on_elsewhere(
    cluster: Cluster, database: Secret, query: Query
) -> None:
    """A is frozen, B takes over; A wakes, and cannot commit. B is asked to end, A goes on and is killed, C ends it."""

    def committed() -> set[int]:
        return set(query(database, COMMITTED)[0][0] or [])

    def look() -> tuple[set[int], int]:
        """What is committed, and how many tasks Pyrus had served then."""
        return committed(), len(sandbox.requests.fetched)

    def is_at_work(worker: str) -> bool:
        return query(cluster.url, BY) == [(worker,)]

    def goes_on(worker: str) -> None:
        """The worker has the account, and commits; `make bench` measures how soon."""
        before = len(committed())
        eventually(lambda: is_at_work(worker) and len(committed()) > before, seconds=180)

    world = World(1, tasks=TASKS)
    world.advance(60)  # so that no body is doubted, because its task has just changed
    with Sandbox(world) as sandbox, cluster.worker("--name", "A") as a:
        v3 = ("--api", "v3", "--client-id", sandbox.options.client_id)
        cluster.add("acme", sandbox, database, *v3, "--quota", "10/1s", "--every", "1h")
        goes_on("A")
        with cluster.worker("--name", "B") as b, ExitStack() as beside:
            eventually(lambda: "B" in str(query(cluster.url, WORKERS)))
            twin = beside.enter_context(cluster.worker("--name", "B"))
            a.send_signal(signal.SIGSTOP)
            looks = [look()]
            goes_on("B")
            a.send_signal(signal.SIGCONT)
            eventually(lambda: "acme/" in a.logged() and "works on this database" in a.logged())
            assert twin.wait() == 7
            assert twin.logged() == "pyrus-etl: Another worker is named B; give this one another --name.\n"

            b.send_signal(signal.SIGTERM)
            assert b.wait() == 143
            assert query(database, LAST) == [("partial",)]
        looks.append(look())
        goes_on("A")
        with cluster.worker("--name", "C"):
            eventually(lambda: "C" in str(query(cluster.url, WORKERS)))
            a.kill()
            a.wait()
            looks.append(look())
            goes_on("C")
            query(cluster.url, "UPDATE pyrus_cluster.accounts SET quota = '5000/600s'")
            assert cluster.program("cluster", "cancel", "acme").returncode == 0
            assert cluster.program("cluster", "run", "acme").returncode == 0
            eventually(
                lambda: query(cluster.url, "SELECT last_exit FROM pyrus_cluster.accounts") == [(0,)], seconds=180
            )

        for stored, served in looks:
            assert stored & set(sandbox.requests.fetched[served:]) == set()
        assert len(committed()) == TASKS
        assert_tables_equal_world(database, sandbox.world)


def test_a_sync_by_cron_imports_nothing_of_the_cluster(database: Secret) -> None:
    """So it starts as fast as before, and needs no package more."""
    code = (
        "import atexit, sys; from pyrus_etl.cli import main; several = ('pyrus_etl.cluster', 'procrastinate');"
        "atexit.register(lambda: print('also', [one for one in several if one in sys.modules])); main()"
    )
    with Sandbox(World(1, tasks=3)) as sandbox:
        command = [sys.executable, "-c", code, "sync"]
        ended = subprocess.run(command, env=program_environment(sandbox, database), capture_output=True, text=True)

    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "also []"), ended.stderr
