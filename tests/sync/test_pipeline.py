"""The pipeline, end to end, against a sandbox over HTTP."""

from collections.abc import Callable

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import backfill, sync


def test_a_first_sync_fetches_everything_and_a_second_nothing(each_database: Secret) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        first = sync(sandbox, each_database)
        second = sync(sandbox, each_database)

    assert (first.status, first.counts.tasks_changed) == ("ok", 60)
    assert (second.status, second.counts.tasks_fetched) == ("ok", 0)


def test_a_second_backfill_fetches_nothing(database: Secret) -> None:
    with Sandbox(World(1, tasks=60), cap=20) as sandbox:
        backfill(sandbox, database)
        again = backfill(sandbox, database)

    assert again.counts.tasks_fetched == 0


def test_batches_that_are_full_lose_no_task(database: Secret, query: Callable[..., list[tuple[object, ...]]]) -> None:
    with Sandbox(World(1, tasks=2500)) as sandbox:
        result = backfill(sandbox, database)

    assert result.counts.tasks_fetched == 2500
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(2500,)]
