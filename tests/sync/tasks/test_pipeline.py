"""The pipeline, end to end, against a sandbox over HTTP."""

import asyncio
from collections.abc import Callable

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.flow import LIMITS
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.run import run
from tests.conftest import settings_for
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
    small = LIMITS._replace(queued=50, in_flight=20, batch=10, few=2)
    with Sandbox(World(1, tasks=120)) as sandbox:
        result = asyncio.run(run(backfill_plan(), settings_for(sandbox, database), limits=small))

    assert (result.status, result.counts.tasks_fetched) == ("ok", 120)
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(120,)]
