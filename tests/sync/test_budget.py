"""Budgets: a run that stops by itself, and goes on the next time."""

import asyncio

from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync import backfill as plans
from pyrus_etl.sync.report import Progress, Report
from pyrus_etl.sync.run import Budget, conduct
from tests.conftest import settings_for
from tests.typing import Query


def budgeted(sandbox: Sandbox, database: Secret, budget: Budget) -> tuple[Report, int]:
    """The report of a sync with a budget, and its exit code."""
    report = Report("sync")
    settings = settings_for(sandbox, database)
    error = asyncio.run(conduct(plans.sync, settings, database, report, Progress(), budget))
    return report, error.exit_code if error else 0


def test_requests_are_not_exceeded_and_each_run_goes_on(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=100)) as sandbox:
        first, code = budgeted(sandbox, database, Budget(requests=40))

        assert (first.status, first.counts.requests, code) == ("partial", 40, 0)
        assert sandbox.requests.total == 40
        assert first.counts.tasks_fetched >= 35
        assert query(database, "SELECT count(*) FROM pyrus.sync_cursors") == [(0,)]

        reports = [budgeted(sandbox, database, Budget(requests=40))[0] for _ in range(3)]

    assert reports[-1].status == "ok"
    assert first.counts.tasks_fetched + sum(report.counts.tasks_fetched for report in reports) == 100


def test_time_ends_a_run_after_the_work_in_hand(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=400), faults=Faults(slow=1.0, seconds=0.1)) as sandbox:
        report, code = budgeted(sandbox, database, Budget(seconds=1.5))

    assert (report.status, code) == ("partial", 0)
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(report.counts.tasks_fetched,)]
    assert 0 < report.counts.tasks_fetched < 400
