"""Lists without an offset, capped and unordered: the tasks that they leave out are requested until none is left."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.result import Result
from tests.oracle import assert_tables_equal_world
from tests.runs import backfill, sync
from tests.typing import Query

PERIODS = pytest.mark.parametrize("period", ["modified", "activity"])


@PERIODS
def test_a_backfill_through_capped_and_shuffled_lists_fetches_everything(database: Secret, period: str) -> None:
    with Sandbox(World(3, tasks=130), cap=25, order="shuffled", period=period) as sandbox:
        result = backfill(sandbox, database)

        assert result.counts.tasks_changed == 130
        assert sorted(sandbox.requests.fetched) == sorted(sandbox.world.task_ids())
        assert_tables_equal_world(database, sandbox.world)


@PERIODS
def test_a_sync_fetches_the_changed_tasks_and_the_next_one_nothing(database: Secret, period: str) -> None:
    with Sandbox(World(4, tasks=130), cap=25, order="shuffled", period=period) as sandbox:
        backfill(sandbox, database)
        sandbox.requests.clear()
        touched = sandbox.world.live(6 * 3600, changes=45).touched
        sandbox.world.advance(10)  # a task that changed just now would be fetched again
        sync(sandbox, database)

        assert touched <= set(sandbox.requests.fetched)
        assert len(sandbox.requests.fetched) <= len(touched) + 5
        assert_tables_equal_world(database, sandbox.world, lived=True)

        sandbox.requests.clear()
        again = sync(sandbox, database)

        assert sandbox.requests.fetched == []
        assert again.counts.tasks_changed == 0


@PERIODS
def test_closed_tasks_are_fetched_too(database: Secret, query: Query, period: str) -> None:
    with Sandbox(World(5, tasks=60), cap=20, period=period) as sandbox:
        open_tasks = [task_id for task_id, body in sandbox.world.bodies() if b'"CloseDate"' not in body]
        for task_id in open_tasks[:5]:
            sandbox.world.close(task_id)
        sync(sandbox, database)
        reopened = sandbox.world.reopen(open_tasks[0])
        sync(sandbox, database)

    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(60,)]
    closed = {row[0] for row in query(database, "SELECT task_id FROM pyrus.tasks WHERE close_date IS NOT NULL")}
    assert set(open_tasks[1:5]) <= closed
    assert reopened not in closed


@pytest.mark.parametrize("command", [backfill, sync])
@PERIODS
def test_a_second_with_more_tasks_than_the_cap_is_an_error_and_everything_else_is_stored(
    database: Secret, query: Query, command: Callable[[Sandbox, Secret], Result], period: str
) -> None:
    with Sandbox(World(6, tasks=60), cap=20, period=period) as sandbox:
        backfill(sandbox, database)
        before = query(database, "SELECT cursor FROM pyrus.sync_cursors")
        sandbox.world.advance(3600)
        sandbox.world.tick = 0
        crowd = sandbox.world.create(21)
        sandbox.world.tick = 1
        sandbox.world.advance(3600)
        others = sandbox.world.create(5)

        with pytest.raises(PyrusUnreachable, match=r"\b1 second\b.*2026-03-02.10:00:00"):
            command(sandbox, database)

    stored = {row[0] for row in query(database, "SELECT task_id FROM pyrus.tasks")}
    assert set(others) <= stored
    assert len(set(crowd) & stored) >= 20
    assert query(database, "SELECT cursor FROM pyrus.sync_cursors") == before
    assert query(database, "SELECT status FROM pyrus.sync_runs ORDER BY run_id DESC LIMIT 1") == [("failed",)]


def test_tasks_on_both_sides_of_a_window_border_are_fetched_once(database: Secret) -> None:
    world = World(7, tasks=0, tick=0)
    for _ in range(12):
        world.create(4)
        world.advance(1)
    with Sandbox(world, cap=5) as sandbox:
        backfill(sandbox, database)

        assert sorted(sandbox.requests.fetched) == sorted(world.task_ids())
        assert_tables_equal_world(database, world)


def test_a_task_of_any_year_is_found(database: Secret) -> None:
    world = World(8, tasks=30)
    dates = (
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    )
    for task_id, date in zip(world.task_ids(), dates, strict=False):
        world.backdate(task_id, date)
    with Sandbox(world, cap=7) as sandbox:
        backfill(sandbox, database)

        assert_tables_equal_world(database, world)


def test_an_account_without_tasks_is_not_an_error(database: Secret) -> None:
    with Sandbox(World(9, tasks=0)) as sandbox:
        first, second = sync(sandbox, database), sync(sandbox, database)

    assert (first.status, second.status) == ("ok", "ok")
    assert first.counts.tasks_listed == 0
