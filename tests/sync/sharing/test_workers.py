"""`--workers N`: processes that fetch and commit for one run, each task once, whatever becomes of them."""

import os
import signal
import subprocess
from collections import Counter

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.forked import Running
from tests.oracle import assert_tables_equal_world
from tests.processes import eventually, started
from tests.runs import program
from tests.typing import Query

TASKS = 900
WORKERS = ("backfill", "--workers", "2")
STORED = "SELECT task_id FROM pyrus.raw_tasks"
LEFT = "SELECT (SELECT count(*) FROM pyrus.task_claims), (SELECT count(*) FROM pyrus.sync_leases)"
RUN = "SELECT status, tasks_fetched, tasks_changed, requests FROM pyrus.sync_runs ORDER BY run_id"
USED = "SELECT sum(permits), bool_and(closed_at IS NOT NULL) FROM pyrus.sync_quota_slices"
SLOWLY = {"PYRUS_ETL_QUOTA": "150/1s"}


def workers_of(process: Running) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def committed(database: Secret, query: Query) -> set[int]:
    return {int(str(task_id)) for (task_id,) in query(database, STORED)}


def test_two_workers_make_one_run_that_fetches_each_task_once(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=TASKS)) as sandbox:
        done = program(*WORKERS, sandbox=sandbox, database=database, PYRUS_ETL_QUOTA="1000000/1s")

        assert (done.returncode, "Fatal" in done.stderr, "Traceback" in done.stderr) == (0, False, False), done.stderr
        assert set(Counter(sandbox.requests.fetched).values()) == {1}
        assert query(database, RUN) == [("ok", TASKS, TASKS, sandbox.requests.total)]
        assert query(database, USED) == [(sandbox.requests.total, True)]
        assert_tables_equal_world(database, sandbox.world)
    assert sandbox.requests.logins == 1
    assert query(database, LEFT) == [(0, 0)]


def test_what_a_killed_worker_has_not_committed_another_one_fetches(database: Secret, query: Query) -> None:
    with (
        Sandbox(World(1, tasks=TASKS)) as sandbox,
        started(*WORKERS, sandbox=sandbox, database=database, **SLOWLY) as process,
    ):
        eventually(lambda: committed(database, query))
        killed = workers_of(process)[0]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: f"worker process {killed} ended with -9" in process.logged())
        before = committed(database, query)
        _, log = process.communicate()

        assert process.returncode == 0, log
        fetched = Counter(sandbox.requests.fetched)
        assert {task_id for task_id in before if fetched[task_id] > 1} == set()
        assert query(database, RUN)[0][:2] == ("ok", TASKS)
        assert_tables_equal_world(database, sandbox.world)
    assert query(database, LEFT) == [(0, 0)]


def test_a_signal_ends_all_workers_and_the_next_run_goes_on(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=TASKS)) as sandbox:
        with started(*WORKERS, sandbox=sandbox, database=database, **SLOWLY) as process:
            eventually(lambda: committed(database, query))
            workers = workers_of(process)
            process.send_signal(signal.SIGTERM)

            assert process.wait() == 143
        before = committed(database, query)
        assert 0 < len(before) < TASKS
        assert len(workers) == 2
        assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
        assert query(database, LEFT) == [(0, 0)]
        done = program(*WORKERS, sandbox=sandbox, database=database)

        assert done.returncode == 0, done.stderr
        fetched = Counter(sandbox.requests.fetched)
        assert {task_id for task_id in before if fetched[task_id] > 1} == set()
        (first, *_), (second, *_) = query(database, RUN)
        assert (first, second) == ("partial", "ok")
        assert_tables_equal_world(database, sandbox.world)


def test_a_limit_of_requests_and_workers_exclude_each_other(database: Secret) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        refused = program("sync", "--workers", "2", "--max-requests", "9", sandbox=sandbox, database=database)

    assert refused.returncode == 2
    assert "--workers cannot be used with --max-requests" in refused.stderr
