"""A server whose clock is wrong in a run, or in some answers: no change may be lost because of it."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.model.window import Window
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan
from tests.oracle import assert_tables_equal_world
from tests.runs import backfill, carried_out, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

CURSOR = "SELECT cursor FROM pyrus.sync_cursors"
WARNING = "does not agree with the clocks"
PLANS: dict[str, Plan] = {
    "sync": sync_plan(),
    "backfill": backfill_plan(restart=True),
    "reconcile": reconcile_plan(),
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(1, tasks=30)) as running:
        yield running


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Callable[[], bool]:
    """Whether a run has logged the warning since the last call."""
    caplog.set_level(logging.WARNING)

    def look() -> bool:
        found = WARNING in caplog.text
        caplog.clear()
        return found

    return look


def changed(sandbox: Sandbox) -> None:
    """A minute passes, a task that is not in the inbox changes, and another minute passes."""
    sandbox.world.advance(60)
    (task_id, *_) = [task_id for task_id in sandbox.world.task_ids() if task_id not in sandbox.world.inbox()]
    sandbox.world.edit(task_id, "comment")
    sandbox.world.advance(60)


def pass_time(sandbox: Sandbox, database: Secret, query: Query, seconds: float) -> None:
    """Moves the server's clock, and ours too by changing the difference that the runs stored."""
    sandbox.world.advance(seconds)
    query(database, "UPDATE pyrus.sync_runs SET server_ahead_seconds = server_ahead_seconds + %s", seconds)


def wrong_at_first(sandbox: Sandbox, *names: str) -> Callable[[Asked], Reply | None]:
    """A cluster with one clock that is two hours ahead; it answers the requests with these names."""

    def answer(asked: Asked) -> None:
        sandbox.world.clock.skew = 7200 if asked.path.endswith(names) else 0

    return answer


def now(sandbox: Sandbox) -> datetime:
    """The instant by the right clock."""
    return moment(sandbox.world.clock.now())


@pytest.mark.parametrize(
    ("plan", "ahead", "later"),
    [
        *((plan, 7200, 60) for plan in PLANS),
        *(("sync", ahead, 3 * 3600) for ahead in (1800, 7200, 30 * 86_400)),
        ("backfill", 1800, 60),
        ("reconcile", 30 * 86_400, 60),
    ],
)
def test_no_change_is_lost_if_the_clock_was_ahead_in_one_run(
    sandbox: Sandbox,
    database: Secret,
    query: Query,
    warned: Callable[[], bool],
    plan: str,
    ahead: float,
    later: float,
) -> None:
    """This also holds once the server's right clock has passed the cursor."""
    sync(sandbox, database)
    sandbox.world.advance(86_400)
    sandbox.world.clock.skew = ahead
    carried_out(PLANS[plan], sandbox, database)
    sandbox.world.clock.skew = 0
    changed(sandbox)
    pass_time(sandbox, database, query, later)
    sync(sandbox, database, PYRUS_ETL_OVERLAP="10m")

    assert warned()
    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_a_sync_reads_from_the_last_start_that_both_clocks_agree_on(sandbox: Sandbox, database: Secret) -> None:
    searches: list[dict[str, Any]] = []

    def note(asked: Asked) -> None:
        if asked.path.endswith("searchtasks"):
            searches.append(json.loads(asked.body))

    sync(sandbox, database)
    sandbox.world.advance(86_400)
    start = now(sandbox)
    sync(sandbox, database)
    sandbox.world.advance(86_400)
    sandbox.world.clock.skew = 7200
    sync(sandbox, database)
    sandbox.world.clock.skew = 0
    with in_front_of(sandbox, note) as server:
        sync(sandbox, database, PYRUS_URL=server.url)
        sync(sandbox, database, PYRUS_URL=server.url)

    first, second = (int(search["ActiveFrom"][6:-2]) // 1000 for search in searches)
    assert first == int((start - timedelta(minutes=30)).timestamp()) - 1
    assert second == int((now(sandbox) - timedelta(minutes=30)).timestamp()) - 1


@pytest.mark.parametrize("later", [60, 3 * 3600])
def test_without_such_a_start_a_sync_reads_everything(
    sandbox: Sandbox, database: Secret, query: Query, warned: Callable[[], bool], later: float
) -> None:
    sandbox.world.clock.skew = 7200
    sync(sandbox, database)
    sandbox.world.clock.skew = 0
    changed(sandbox)
    pass_time(sandbox, database, query, later)
    result = sync(sandbox, database)

    assert warned()
    assert result.counts.tasks_fetched == 1
    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_everything_means_the_period_of_the_last_backfill(sandbox: Sandbox, database: Secret, query: Query) -> None:
    sandbox.world.clock.skew = 7200
    start = int((now(sandbox) - timedelta(days=100)).timestamp())
    backfill(sandbox, database, Window(start=start))
    sandbox.world.clock.skew = 0
    stored = query(database, "SELECT count(*) FROM pyrus.tasks")
    changed(sandbox)
    sync(sandbox, database)

    assert stored[0][0] < 30
    assert query(database, "SELECT count(*) FROM pyrus.tasks")[0][0] <= stored[0][0] + 1


@pytest.mark.parametrize("names", [("getaccesstoken",), ("profile",), ("getaccesstoken", "profile")])
def test_a_few_answers_with_a_wrong_clock_do_not_move_the_cursor_into_the_future(
    sandbox: Sandbox, database: Secret, query: Query, warned: Callable[[], bool], names: tuple[str, ...]
) -> None:
    """In each run, as behind a load balancer. A backfill takes its cursor from the first answers, and detects it."""
    with in_front_of(sandbox, wrong_at_first(sandbox, *names)) as server:
        for _ in range(3):
            sync(sandbox, database, PYRUS_URL=server.url)
            assert query(database, CURSOR) == [(now(sandbox),)]
            changed(sandbox)
        sync(sandbox, database, PYRUS_URL=server.url)

    assert warned() == (len(names) == 2)
    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_a_cursor_found_wrong_in_the_middle_of_a_run_is_not_trusted_either(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """The clock was wrong in the whole last run, and in this one before the lists."""
    sync(sandbox, database)
    sandbox.world.clock.skew = 7200
    sync(sandbox, database)
    sandbox.world.clock.skew = 0
    changed(sandbox)
    with in_front_of(sandbox, wrong_at_first(sandbox, "getaccesstoken", "profile")) as server:
        sync(sandbox, database, PYRUS_URL=server.url)

    assert query(database, CURSOR) == [(now(sandbox),)]
    assert_tables_equal_world(database, sandbox.world, lived=True)


@pytest.mark.parametrize("later", [60, 3 * 3600])
def test_the_cursor_of_a_backfill_that_failed_at_its_end_is_not_trusted_either(
    sandbox: Sandbox, database: Secret, query: Query, warned: Callable[[], bool], later: float
) -> None:
    def break_the_end(asked: Asked) -> Reply | None:
        return Reply(400) if "contacts" in asked.path else None

    sandbox.world.clock.skew = 7200
    with in_front_of(sandbox, break_the_end) as server, pytest.raises(PyrusUnreachable):
        backfill(sandbox, database, PYRUS_URL=server.url)
    sandbox.world.clock.skew = 0
    changed(sandbox)
    pass_time(sandbox, database, query, later)
    sync(sandbox, database)

    assert warned()
    assert_tables_equal_world(database, sandbox.world, lived=True)


@pytest.mark.parametrize("skew", [-7200, 1200, 7200, 10 * 365 * 86_400])
def test_a_clock_that_is_always_wrong_is_good_enough(
    database: Secret, query: Query, warned: Callable[[], bool], skew: float
) -> None:
    with Sandbox(World(1, tasks=30, skew=skew)) as sandbox:
        for _ in range(3):
            sync(sandbox, database, PYRUS_ETL_OVERLAP="0s")
            assert query(database, CURSOR) == [(now(sandbox) + timedelta(seconds=skew),)]
            sandbox.world.advance(60)

    assert not warned()


def test_a_clock_that_jumps_ahead_with_its_world_is_trusted(
    sandbox: Sandbox, database: Secret, warned: Callable[[], bool]
) -> None:
    for _ in range(3):
        sync(sandbox, database, PYRUS_ETL_OVERLAP="0s")
        sandbox.world.advance(100 * 86_400)
        changed(sandbox)
    sync(sandbox, database, PYRUS_ETL_OVERLAP="0s")

    assert not warned()
    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_no_change_is_lost_if_the_clock_was_behind_in_one_run(sandbox: Sandbox, database: Secret) -> None:
    sync(sandbox, database)
    sandbox.world.advance(600)
    changed(sandbox)
    sandbox.world.clock.skew = -7200
    sync(sandbox, database)
    sandbox.world.clock.skew = 0
    changed(sandbox)
    sync(sandbox, database)

    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_a_cursor_of_an_earlier_version_in_the_future_is_not_trusted(
    sandbox: Sandbox, database: Secret, query: Query, warned: Callable[[], bool]
) -> None:
    """The earlier version did not store the server's clock."""
    sync(sandbox, database)
    query(database, "UPDATE pyrus.sync_runs SET server_started_at = NULL, server_ahead_seconds = NULL")
    query(database, "UPDATE pyrus.sync_cursors SET cursor = cursor + interval '2 hours'")
    changed(sandbox)
    sync(sandbox, database)

    assert warned()
    assert_tables_equal_world(database, sandbox.world, lived=True)
