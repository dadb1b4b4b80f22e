"""Runs that are killed, interrupted or locked out: the state that they leave, and how the next run continues."""

import asyncio
import signal
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from pyrus_etl.errors import LockHeld
from pyrus_etl.postgres.lease import Lease
from pyrus_etl.postgres.store import Store
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.processes import eventually, started
from tests.runs import backfill, program, sync
from tests.typing import Query

COUNT = "SELECT count(*) FROM pyrus.tasks"


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    """A sandbox of 240 tasks with slow answers."""
    with Sandbox(World(1, tasks=240), cap=80, faults=Faults(slow=1.0, seconds=0.15)) as sandbox:
        yield sandbox


async def held(database: Secret, lease: Lease) -> None:
    """Takes a lock as a run does, and releases it."""
    async with Store(database) as store:
        await store.hold(lease)


def stored(query: Query, database: Secret) -> set[int]:
    return {row[0] for row in query(database, "SELECT task_id FROM pyrus.tasks")}


def test_after_a_kill_the_next_backfill_goes_on_and_fetches_nothing_twice(
    slow: Sandbox, database: Secret, query: Query
) -> None:
    with started("backfill", sandbox=slow, database=database) as process:
        eventually(lambda: query(database, COUNT)[0][0] > 60)
        process.kill()
        process.wait()
    committed = stored(query, database)
    slow.faults = Faults()
    slow.requests.clear()
    result = backfill(slow, database)

    assert result.status == "ok"
    assert not committed & set(slow.requests.fetched)
    assert_tables_equal_world(database, slow.world)
    assert query(database, "SELECT status FROM pyrus.sync_runs ORDER BY run_id") == [("failed",), ("ok",)]


def test_a_dead_holder_blocks_others_for_ten_seconds_at_most(slow: Sandbox, database: Secret, query: Query) -> None:
    with started("sync", sandbox=slow, database=database) as process:
        eventually(lambda: query(database, COUNT)[0][0] > 0)
        process.kill()
        process.wait()
    slow.faults = Faults()
    leases = "SELECT account_id, expires_at - clock_timestamp() < '8 seconds' FROM pyrus.sync_leases"
    ((account_id, expires_soon),) = query(database, leases)

    assert expires_soon
    asyncio.run(held(database, Lease(account_id, uuid4())))  # it would give up a second after that


def test_a_second_run_ends_with_7_and_names_the_holder_of_the_lock(
    slow: Sandbox, database: Secret, query: Query
) -> None:
    with started("sync", sandbox=slow, database=database, PYRUS_ETL_QUOTA="100/600s") as process:  # and then it waits
        eventually(lambda: query(database, COUNT)[0][0] > 0)
        second = program("sync", sandbox=slow, database=database)

        assert second.returncode == 7, second.stderr
        assert process.returncode is None
        assert f"process {process.pid} on " in second.stderr


def test_a_run_that_lost_its_lock_cannot_commit(database: Secret, query: Query) -> None:
    async def late() -> None:
        async with Store(database) as store:
            await store.hold(Lease(1, uuid4()))
            query(database, "UPDATE pyrus.sync_leases SET run_id = %s", uuid4())
            await store.transaction(
                lambda connection: connection.execute("INSERT INTO pyrus.projects VALUES (1, 'late')")
            )

    with pytest.raises(LockHeld):
        asyncio.run(late())

    assert query(database, "SELECT count(*) FROM pyrus.projects") == [(0,)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_after_the_work_in_hand(
    slow: Sandbox, database: Secret, query: Query, number: int, code: int
) -> None:
    with started("backfill", "--json", sandbox=slow, database=database) as process:
        eventually(lambda: query(database, COUNT)[0][0] > 60)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

    assert process.returncode == code
    assert '"status":"partial"' in out
    assert "Traceback" not in err
    assert query(database, "SELECT status, tasks_fetched FROM pyrus.sync_runs") == [
        ("partial", len(stored(query, database)))
    ]

    slow.faults = Faults()
    assert backfill(slow, database).status == "ok"
    assert_tables_equal_world(database, slow.world)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_pause_of_sync_every(database: Secret, query: Query, number: int, code: int) -> None:
    with (
        Sandbox(World(1, tasks=5)) as sandbox,
        started("sync", "--every", "1h", sandbox=sandbox, database=database) as process,
    ):
        eventually(lambda: query(database, "SELECT 1 FROM pyrus.sync_runs WHERE status = 'ok'"))
        time.sleep(0.3)
        process.send_signal(number)
        process.communicate(timeout=60)

    assert process.returncode == code


def test_cut_connections_are_reopened(slow: Sandbox, database: Secret, query: Query) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pyrus-etl'"
    with started("sync", sandbox=slow, database=database) as process:
        for least in (20, 60, 120):
            eventually(lambda least=least: query(database, COUNT)[0][0] > least)  # type: ignore[misc] # a default
            query(database, f"{cut} AND datname = current_database()")
        _, err = process.communicate(timeout=60)

    assert (process.returncode, "Traceback" in err) == (0, False), err
    assert_tables_equal_world(database, slow.world)


def test_a_token_that_is_revoked_in_the_middle_costs_one_login(slow: Sandbox, database: Secret, query: Query) -> None:
    with started("sync", sandbox=slow, database=database) as process:
        eventually(lambda: query(database, COUNT)[0][0] > 60)
        slow.revoke_tokens()
        process.communicate(timeout=60)

    assert process.returncode == 0
    assert slow.requests.logins == 2


def test_a_pyrus_that_goes_down_in_the_middle_ends_it_with_4_and_loses_nothing(
    database: Secret, query: Query, impatient: None
) -> None:
    with Sandbox(World(1, tasks=240), faults=Faults(slow=1.0, seconds=0.15)) as sandbox:
        with started("sync", sandbox=sandbox, database=database) as process:
            eventually(lambda: query(database, COUNT)[0][0] > 60)
            sandbox.down = True
            _, err = process.communicate(timeout=90)

        assert (process.returncode, "Traceback" in err) == (4, False), err
        sandbox.down, sandbox.faults = False, Faults()
        sync(sandbox, database)
        assert_tables_equal_world(database, sandbox.world)
