"""The backfill: its period, its windows, and a second backfill."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.model.window import Window
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema import metadata
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.result import Result
from tests.oracle import assert_tables_equal_world
from tests.runs import backfill, carried_out, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

JANUARY = Window(
    int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2026, 2, 1, tzinfo=UTC).timestamp()) - 1
)


def again_from_the_start(sandbox: Sandbox, database: Secret) -> Result:
    """One `pyrus-etl backfill --restart`."""
    return carried_out(backfill_plan(restart=True), sandbox, database)


def failing_after(searches: int) -> Any:
    """Refuses all searches after the first `searches`."""
    seen: list[Asked] = []

    def refuse(asked: Asked) -> Reply | None:
        seen.extend([asked] * asked.path.endswith("searchtasks"))
        return Reply(400, b"{}") if len(seen) > searches and asked.path.endswith("searchtasks") else None

    return refuse


def modified_in(world: World, window: Window) -> set[int]:
    """The tasks last modified in the window."""
    found = set()
    for task_id in world.task_ids():
        date = int(world.task(task_id)["TaskWithNotes"]["ModifiedDate"][6:-2]) // 1000
        if window.bounds[0] <= date <= window.bounds[1]:
            found.add(task_id)
    return found


def test_a_period_fetches_the_tasks_modified_in_it_and_all_changes_since_the_start(
    database: Secret, query: Query
) -> None:
    with Sandbox(World(4, tasks=150), cap=25) as sandbox:
        january = modified_in(sandbox.world, JANUARY)
        sandbox.world.advance(86400)
        backfill(sandbox, database, JANUARY)

        fetched = set(sandbox.requests.fetched)
        assert january
        assert fetched - set(sandbox.world.inbox()) == january
        assert {row[0] for row in query(database, "SELECT task_id FROM pyrus.tasks")} == fetched

        changed = sandbox.world.live(600, changes=5).touched
        sandbox.requests.clear()
        sync(sandbox, database)

        assert changed <= set(sandbox.requests.fetched)


def test_adjacent_periods_together_fetch_everything(database: Secret) -> None:
    with Sandbox(World(4, tasks=100), cap=25) as sandbox:
        backfill(sandbox, database, JANUARY)
        backfill(sandbox, database, Window(None, JANUARY.bounds[0] - 1))
        backfill(sandbox, database, Window(JANUARY.bounds[1] + 1, None))

        assert len(sandbox.requests.fetched) == 100
        assert_tables_equal_world(database, sandbox.world)


def test_a_second_backfill_writes_no_row(database: Secret, query: Query) -> None:
    tables = [
        table.name
        for table in metadata.tables.values()
        if not table.name.startswith("sync_") and table.schema == "pyrus"
    ]

    def versions() -> dict[str, list[tuple[Any, ...]]]:
        return {table: sorted(query(database, f"SELECT xmin::text, ctid::text FROM pyrus.{table}")) for table in tables}

    with Sandbox(World(5, tasks=100), cap=25) as sandbox:
        backfill(sandbox, database)
        before = versions()
        again = again_from_the_start(sandbox, database)

        assert versions() == before
        assert len(before["tasks"]) == 100
        assert (again.counts.tasks_fetched, again.counts.tasks_changed) == (0, 0)
        assert len(sandbox.requests.fetched) == 100


def test_windows_that_are_done_are_not_listed_again(database: Secret, query: Query) -> None:
    with Sandbox(World(6, tasks=200), cap=25) as sandbox:
        with in_front_of(sandbox, failing_after(14)) as server, pytest.raises(PyrusUnreachable):
            backfill(sandbox, database, PYRUS_URL=server.url)
        ((done, left),) = query(
            database,
            "SELECT count(*) FILTER (WHERE done_at IS NOT NULL), count(*) FILTER (WHERE done_at IS NULL) "
            "FROM pyrus.sync_windows",
        )
        ((stored,),) = query(database, "SELECT count(*) FROM pyrus.tasks")
        assert done > 1
        assert left > 1

        sandbox.requests.clear()
        backfill(sandbox, database)

        assert len(sandbox.requests.fetched) == 200 - stored
        assert_tables_equal_world(database, sandbox.world)


def test_restart_lists_all_windows_again_and_still_fetches_nothing_twice(database: Secret, query: Query) -> None:
    with Sandbox(World(6, tasks=200), cap=25) as sandbox:
        with in_front_of(sandbox, failing_after(14)) as server, pytest.raises(PyrusUnreachable):
            backfill(sandbox, database, PYRUS_URL=server.url)
        first_start = query(database, "SELECT started_at FROM pyrus.sync_backfills")
        result = again_from_the_start(sandbox, database)

        assert result.counts.tasks_listed >= 200
        assert query(database, "SELECT started_at FROM pyrus.sync_backfills") > first_start
        assert len(sandbox.requests.fetched) == 200
        assert_tables_equal_world(database, sandbox.world)


def test_an_unfinished_backfill_of_another_period_is_left_for_the_new_one(database: Secret) -> None:
    with Sandbox(World(6, tasks=200), cap=25) as sandbox:
        with in_front_of(sandbox, failing_after(8)) as server, pytest.raises(PyrusUnreachable):
            backfill(sandbox, database, PYRUS_URL=server.url)
        backfill(sandbox, database, JANUARY)
        backfill(sandbox, database)

        assert_tables_equal_world(database, sandbox.world)


def test_changes_between_a_broken_backfill_and_its_end_are_fetched(database: Secret) -> None:
    """The cursor is from the first start: a finished window is not listed again, but the changes in it are."""
    with Sandbox(World(7, tasks=150), cap=25) as sandbox:
        with in_front_of(sandbox, failing_after(12)) as server, pytest.raises(PyrusUnreachable):
            backfill(sandbox, database, PYRUS_URL=server.url)
        sandbox.world.live(6 * 3600, changes=60)
        sandbox.world.advance(86400)
        backfill(sandbox, database)

        assert_tables_equal_world(database, sandbox.world, lived=True)


def test_a_backfill_never_sets_the_cursor_back(database: Secret, query: Query) -> None:
    with Sandbox(World(7, tasks=60)) as sandbox:
        sync(sandbox, database)
        sandbox.world.advance(3600)
        sync(sandbox, database)
        before = query(database, "SELECT cursor FROM pyrus.sync_cursors")
        backfill(sandbox, database, JANUARY)

        assert query(database, "SELECT cursor FROM pyrus.sync_cursors") >= before
