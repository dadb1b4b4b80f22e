"""One quota for all runs of an account: together they do not exceed it, as the server counts."""

import signal
import time
from bisect import bisect_left

import pytest

from pyrus_etl.errors import LockHeld, LoginRefused
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget
from tests.processes import eventually, started
from tests.runs import result_of, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

SENT = "SELECT sum(requests) FROM pyrus.sync_requests"


class Counting:
    """Records the time of each request."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, _: Asked) -> Reply | None:
        self.times.append(time.monotonic())
        return None

    def most_within(self, seconds: float) -> int:
        """The largest number of requests in any span of this length."""
        times = sorted(self.times)
        return max(bisect_left(times, start + seconds) - place for place, start in enumerate(times))


def bounded(sandbox: Sandbox, database: Secret, seconds: float, **environment: str) -> Result:
    """A sync that ends after at most `seconds`."""
    return result_of(sync_plan(), sandbox, database, Budget(seconds=seconds), **environment)


def test_every_request_of_a_run_is_written_by_the_second(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=50)) as sandbox:
        results = [sync(sandbox, database) for _ in range(2)]

        assert query(database, SENT) == [(sum(result.counts.requests for result in results),)]
        assert query(database, SENT) == [(sandbox.requests.total,)]


def test_runs_in_a_row_keep_the_quota_together(database: Secret) -> None:
    """Login and profile included; each run alone would stay below the quota."""
    count = Counting()
    with Sandbox(World(1, tasks=60)) as sandbox, in_front_of(sandbox, count) as server:
        for _ in range(4):
            sync(sandbox, database, PYRUS_URL=server.url, PYRUS_ETL_QUOTA="80/3s")

    assert len(count.times) > 80
    assert count.most_within(2.95) <= 80


def test_a_run_without_a_login_counts_all_others(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        sync(sandbox, database)
        token = {"PYRUS_ACCESS_TOKEN": sandbox.token(), "PYRUS_SECURITY_KEY": "", "PYRUS_LOGIN": ""}
        result = bounded(sandbox, database, 1, PYRUS_ETL_QUOTA="20/1h", **token)

    assert (result.status, result.counts.requests) == ("partial", 0)


def test_another_login_has_a_quota_of_its_own(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        sync(sandbox, database)
        query(database, "UPDATE pyrus.sync_runs SET login = 'somebody else'")
        result = bounded(sandbox, database, 20, PYRUS_ETL_QUOTA="20/1h")

    assert result.status == "ok"


def test_a_run_that_cannot_log_in_is_counted_too(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        for _ in range(2):
            with pytest.raises(LoginRefused):
                sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")
        result = bounded(sandbox, database, 1, PYRUS_ETL_QUOTA="2/1h")

    assert query(database, SENT) == [(2,)]
    assert result.counts.requests == 0


def test_a_killed_run_is_counted(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=200)) as sandbox:
        with started("sync", sandbox=sandbox, database=database, PYRUS_ETL_QUOTA="40/1h") as process:
            eventually(lambda: query(database, SENT) == [(40,)])
            process.send_signal(signal.SIGKILL)
            process.wait()
        result = bounded(sandbox, database, 10, PYRUS_ETL_QUOTA="40/1h")

        assert (result.status, result.counts.requests) == ("partial", 0)
        assert sandbox.requests.total == 40


def test_a_run_that_waits_for_the_quota_does_not_make_another_wait_for_the_lock(database: Secret, query: Query) -> None:
    with (
        Sandbox(World(1, tasks=200)) as sandbox,
        started("sync", sandbox=sandbox, database=database, PYRUS_ETL_QUOTA="40/1h") as process,
    ):
        eventually(lambda: query(database, SENT) == [(40,)])
        with pytest.raises(LockHeld):
            sync(sandbox, database, PYRUS_ETL_QUOTA="40/1h")

        assert process.returncode is None
        assert sandbox.requests.total == 40
        process.send_signal(signal.SIGTERM)
        process.wait()


def test_counts_older_than_an_hour_or_a_period_are_deleted(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
        query(database, "UPDATE pyrus.sync_requests SET second = second - interval '61 minutes'")
        result = sync(sandbox, database)

    assert query(database, SENT) == [(result.counts.requests,)]
