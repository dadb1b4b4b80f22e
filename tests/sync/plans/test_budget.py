"""Budgets: a run that stops by itself, and continues the next time."""

import asyncio
from dataclasses import replace

import pytest

from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Retry, Secret, Waits
from pyrus_etl.settings.retry import STANDARD
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget, run
from tests.conftest import settings_for
from tests.typing import Query


def budgeted(
    sandbox: Sandbox, database: Secret, budget: Budget, waits: Waits = STANDARD, **environment: str
) -> tuple[Result, int]:
    """The result of a sync with a budget, and its exit code."""
    settings = replace(settings_for(sandbox, database, **environment), waits=waits)
    result = asyncio.run(run(sync_plan(), settings, budget=budget))
    return result, result.exit_code


def test_a_budget_of_requests_is_not_exceeded_and_each_run_continues(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=100)) as sandbox:
        first, code = budgeted(sandbox, database, Budget(requests=40))

        assert (first.status, first.counts.requests, code) == ("partial", 40, 0)
        assert sandbox.requests.total == 40
        assert first.counts.tasks_fetched >= 35
        assert query(database, "SELECT count(*) FROM pyrus.sync_cursors") == [(0,)]

        results = [budgeted(sandbox, database, Budget(requests=40))[0] for _ in range(3)]

    assert results[-1].status == "ok"
    assert first.counts.tasks_fetched + sum(result.counts.tasks_fetched for result in results) == 100


@pytest.mark.parametrize(("requests", "quota"), [(30, "40/1h"), (40, "40/1h"), (30, "1000/1h")])
def test_a_spent_budget_ends_a_run_at_once_even_with_tasks_left(
    database: Secret, query: Query, requests: int, quota: str
) -> None:
    """No request waits for a place in the quota if the budget has none left: it would wait for an hour."""
    with Sandbox(World(1, tasks=400)) as sandbox:
        result, code = budgeted(sandbox, database, Budget(requests=requests), PYRUS_ETL_QUOTA=quota)

        assert (result.status, result.counts.requests, code) == ("partial", requests, 0)
        assert sandbox.requests.total == requests
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(result.counts.tasks_fetched,)]


def test_a_spent_budget_does_not_wait_for_another_try(database: Secret) -> None:
    hours = Waits(requests=Retry(1e6, 1e6, attempts=9))
    with Sandbox(World(1, tasks=100)) as sandbox:
        sandbox.fail(3, "error", "task")
        result, _ = budgeted(sandbox, database, Budget(requests=40), hours)

    assert (result.status, result.counts.requests) == ("partial", 40)


@pytest.mark.parametrize("quota", ["20/1h", "5/1h"])
def test_time_ends_a_wait_for_the_quota(database: Secret, quota: str) -> None:
    with Sandbox(World(1, tasks=100)) as sandbox:
        result, code = budgeted(sandbox, database, Budget(seconds=2), PYRUS_ETL_QUOTA=quota)

    assert (result.status, result.counts.requests, code) == ("partial", int(quota.split("/")[0]), 0)


def test_time_ends_a_run_after_the_work_in_hand(database: Secret, query: Query) -> None:
    seconds = 1.5
    with Sandbox(World(1, tasks=400), faults=Faults(slow=1.0, seconds=0.1)) as sandbox:
        result, code = budgeted(sandbox, database, Budget(seconds=seconds))
        while not result.counts.tasks_fetched:  # a busy machine
            seconds *= 2
            result, code = budgeted(sandbox, database, Budget(seconds=seconds))

    assert (result.status, code) == ("partial", 0)
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(result.counts.tasks_fetched,)]
    assert 0 < result.counts.tasks_fetched < 400
