"""One quota for all processes of an account: together they do not exceed it, as the server counts."""

import asyncio
import signal
import time
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pyrus_etl.errors import LockHeld, LoginRefused
from pyrus_etl.extract.apis import access_of
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget
from pyrus_etl.sync.session import Session, watching
from tests.conftest import settings_for
from tests.processes import eventually, started
from tests.runs import result_of, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

LEASED = "SELECT sum(permits) FROM pyrus.sync_quota_slices"
HELD = "SELECT held_until > now() + interval '50 minutes' FROM pyrus.sync_quotas WHERE account_id <> 0"


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


@asynccontextmanager
async def logged_in(sandbox: Sandbox, database: Secret, **environment: str) -> AsyncIterator[Session]:
    """A process without the lock, of which several may work at once."""
    settings = settings_for(sandbox, database, **environment)
    async with watching(settings, access_of(settings).client()) as session:
        yield session


def test_every_request_is_in_a_lease_and_unused_permits_are_given_back(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=120)) as sandbox:
        results = [sync(sandbox, database) for _ in range(2)]

        assert query(database, LEASED) == [(sum(result.counts.requests for result in results),)]
        assert query(database, LEASED) == [(sandbox.requests.total,)]
    assert query(database, "SELECT DISTINCT account_id FROM pyrus.sync_quota_slices WHERE permits > 0") == [(300_001,)]


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_at_work_together_keep_the_quota_in_any_window(database: Secret, processes: int) -> None:
    """All of them are hungry, and the first two begin when nothing is known of the account."""
    count = Counting()

    async def asks(sandbox: Sandbox, url: str) -> None:
        async with logged_in(sandbox, database, PYRUS_URL=url, PYRUS_ETL_QUOTA="60/1s") as session:
            await asyncio.gather(*(session.source.profile() for _ in range(240 // processes)))

    async def together(sandbox: Sandbox, url: str) -> None:
        await asyncio.gather(*(asks(sandbox, url) for _ in range(processes)))

    with Sandbox(World(1, tasks=3)) as sandbox, in_front_of(sandbox, count) as server:
        asyncio.run(together(sandbox, server.url))

    assert len(count.times) == 240 + 2 * processes
    assert count.most_within(0.99) <= 60


def test_runs_in_a_row_keep_the_quota_together(database: Secret) -> None:
    """Login and profile included; each run alone would stay below the quota."""
    count = Counting()
    with Sandbox(World(1, tasks=60)) as sandbox, in_front_of(sandbox, count) as server:
        for _ in range(4):
            sync(sandbox, database, PYRUS_URL=server.url, PYRUS_ETL_QUOTA="80/3s")

    assert len(count.times) > 80
    assert count.most_within(2.95) <= 80


def test_a_refusal_of_one_process_holds_all_others_and_later_ones(database: Secret, query: Query) -> None:
    is_spent, refused = asyncio.Event(), []

    def refuses(asked: Asked) -> Reply | None:
        if not is_spent.is_set():
            return None
        refused.append(asked)
        return Reply(429, b"{}", {"Retry-After": "3600"})

    async def waits(sandbox: Sandbox, url: str) -> list[str]:
        """What two processes wait for when the first of them was refused."""
        async with (
            logged_in(sandbox, database, PYRUS_URL=url) as first,
            logged_in(sandbox, database, PYRUS_URL=url) as second,
        ):
            is_spent.set()
            asking = [asyncio.create_task(first.source.profile())]
            while second.pace.held_until < time.monotonic() + 3000:
                await asyncio.sleep(0.01)
            asking.append(asyncio.create_task(second.source.profile()))
            while not second.pace.wait:
                await asyncio.sleep(0.01)
            for each in asking:
                each.cancel()
            return [str(session.pace.wait or session.pace.hold.wait) for session in (first, second)]

    with Sandbox(World(1, tasks=3)) as sandbox, in_front_of(sandbox, refuses) as server:
        found = asyncio.run(waits(sandbox, server.url))
        later = bounded(sandbox, database, 1, PYRUS_URL=server.url)

    assert [wait.partition(" until")[0] for wait in found] == ["waits for Pyrus's quota"] * 2
    assert len(refused) == 1
    assert query(database, HELD) == [(True,)]
    assert (later.status, later.counts.requests) == ("partial", 0)


def test_a_smaller_quota_counts_what_was_sent_before(database: Secret) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        sync(sandbox, database)
        sandbox.world.create(100)
        result = bounded(sandbox, database, 2, PYRUS_ETL_QUOTA="60/1h")

        assert result.status == "partial"
        assert sandbox.requests.total == 60


def test_a_run_without_a_login_counts_all_others(database: Secret) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        sync(sandbox, database)
        token = {"PYRUS_ACCESS_TOKEN": sandbox.token(), "PYRUS_SECURITY_KEY": "", "PYRUS_LOGIN": ""}
        result = bounded(sandbox, database, 1, PYRUS_ETL_QUOTA="20/1h", **token)

    assert (result.status, result.counts.requests) == ("partial", 0)


def test_another_account_has_a_quota_of_its_own(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        sync(sandbox, database)
        query(database, "UPDATE pyrus.sync_runs SET login = 'somebody else', account_id = 7")
        for table in ("sync_quotas", "sync_quota_slices"):
            query(database, f"UPDATE pyrus.{table} SET account_id = 7 WHERE account_id <> 0")
        result = bounded(sandbox, database, 20, PYRUS_ETL_QUOTA="40/1h")

    assert result.status == "ok"


def test_a_run_that_cannot_log_in_is_counted_too(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        for _ in range(2):
            with pytest.raises(LoginRefused):
                sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")
        result = bounded(sandbox, database, 1, PYRUS_ETL_QUOTA="2/1h")

    assert query(database, LEASED) == [(2,)]
    assert result.counts.requests == 0


def test_a_killed_run_is_counted(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=200)) as sandbox:
        with started("sync", sandbox=sandbox, database=database, PYRUS_ETL_QUOTA="40/1h") as process:
            eventually(lambda: sandbox.requests.total == 40)
            process.send_signal(signal.SIGKILL)
            process.wait()
        result = bounded(sandbox, database, 10, PYRUS_ETL_QUOTA="40/1h")

        assert (result.status, result.counts.requests) == ("partial", 0)
        assert sandbox.requests.total == 40
    assert query(database, LEASED) == [(40,)]


def test_a_run_that_waits_for_the_quota_does_not_make_another_wait_for_the_lock(database: Secret, query: Query) -> None:
    with (
        Sandbox(World(1, tasks=200)) as sandbox,
        started("sync", sandbox=sandbox, database=database, PYRUS_ETL_QUOTA="40/1h") as process,
    ):
        eventually(lambda: sandbox.requests.total == 40)
        with pytest.raises(LockHeld):
            sync(sandbox, database, PYRUS_ETL_QUOTA="40/1h")

        assert process.returncode is None
        assert sandbox.requests.total == 40
        process.send_signal(signal.SIGTERM)
        process.wait()


def test_leases_older_than_an_hour_or_a_period_are_deleted(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
        query(database, "UPDATE pyrus.sync_quota_slices SET expires_at = expires_at - interval '61 minutes'")
        result = sync(sandbox, database)

    assert query(database, LEASED) == [(result.counts.requests,)]
