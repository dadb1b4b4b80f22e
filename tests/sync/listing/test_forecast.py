"""`--dry-run`: a forecast of a run. It says what the run then does, and leaves no trace."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.forecast import Forecast, forecast
from pyrus_etl.sync.plans.backfill import backfill
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.run import NO_LIMIT, Budget
from tests.conftest import settings_for
from tests.runs import program, result_of
from tests.typing import Query

HELD = """
    INSERT INTO pyrus.sync_leases (account_id, run_id, holder, acquired_at, expires_at)
    SELECT account_id, run_id, 'another run', now(), 'infinity' FROM pyrus.sync_runs
"""


def forecasted(
    kind: str, sandbox: Sandbox, database: Secret, budget: Budget = NO_LIMIT, **environment: str
) -> Forecast:
    return asyncio.run(forecast(kind, settings_for(sandbox, database, **environment), budget=budget))


@pytest.fixture(params=["v4", "v3"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(5, tasks=120)) as running:
        yield running


def test_a_first_sync_asks_for_about_what_its_forecast_says(sandbox: Sandbox, database: Secret, api: str) -> None:
    said = forecasted("sync", sandbox, database, PYRUS_API=api)
    fetched = sandbox.requests.summary()["fetched"]
    done = result_of(sync(), sandbox, database, PYRUS_API=api)

    assert fetched == []
    assert (said.plan, said.is_complete, said.runs) == ("backfill", True, 1)
    assert said.tasks_to_fetch == done.counts.tasks_changed
    assert abs(said.total - done.counts.requests) <= 3


def test_a_sync_asks_for_exactly_what_its_forecast_says(sandbox: Sandbox, database: Secret, api: str) -> None:
    result_of(sync(), sandbox, database, PYRUS_API=api)
    result_of(sync(), sandbox, database, PYRUS_API=api)
    touched = sandbox.world.live(3600, 15).touched
    sandbox.world.advance(10)
    said = forecasted("sync", sandbox, database, PYRUS_API=api)
    done = result_of(sync(), sandbox, database, PYRUS_API=api)

    assert said.plan == "incremental"
    assert said.tasks_to_fetch == len(touched) == done.counts.tasks_changed
    assert said.tasks_listed == done.counts.tasks_listed
    assert said.total == done.counts.requests


def test_on_an_empty_database_a_sync_is_a_backfill(sandbox: Sandbox, database: Secret, api: str) -> None:
    of_sync, of_backfill = (forecasted(kind, sandbox, database, PYRUS_API=api) for kind in ("sync", "backfill"))

    assert {**of_sync.as_json(), "kind": "", "seconds": 0} == {**of_backfill.as_json(), "kind": "", "seconds": 0}


def test_a_forecast_writes_nothing_and_takes_no_lock(
    sandbox: Sandbox, database: Secret, query: Query, api: str
) -> None:
    result_of(sync(), sandbox, database, PYRUS_API=api)
    query(database, HELD)
    query(
        database,
        f"ALTER DATABASE {conninfo_to_dict(database.reveal())['dbname']} SET default_transaction_read_only = on",
    )

    assert forecasted("sync", sandbox, database, PYRUS_API=api).plan == "incremental"
    assert forecasted("backfill", sandbox, database, PYRUS_API=api).is_complete
    assert "read-only" in str(result_of(sync(), sandbox, database, PYRUS_API=api).error)


def test_a_resumed_backfill_is_left_with_the_rest(sandbox: Sandbox, database: Secret) -> None:
    first = result_of(backfill(), sandbox, database, Budget(requests=90), PYRUS_API="v4", PYRUS_ETL_CONCURRENCY="1")
    said = forecasted("backfill", sandbox, database, PYRUS_API="v4")
    done = result_of(backfill(), sandbox, database, PYRUS_API="v4")

    assert first.status == "partial"
    assert first.counts.tasks_changed > 0
    assert said.tasks_to_fetch == done.counts.tasks_changed
    assert abs(said.total - done.counts.requests) <= 3


def test_only_the_selected_forms_are_forecast(sandbox: Sandbox, database: Secret) -> None:
    everything = forecasted("backfill", sandbox, database, PYRUS_API="v4")
    form = next(feed for feed in everything.feeds if feed.kind == "form")
    said = forecasted("backfill", sandbox, database, PYRUS_API="v4", PYRUS_ETL_FORMS=str(form.id), PYRUS_ETL_LISTS="1")

    assert said.feeds == [form]
    assert said.tasks_to_fetch == form.to_fetch


def test_a_budget_says_how_many_runs_it_takes(sandbox: Sandbox, database: Secret) -> None:
    slow = forecasted("backfill", sandbox, database, Budget(seconds=300), PYRUS_API="v4", PYRUS_ETL_QUOTA="100/600s")
    whole = forecasted("backfill", sandbox, database, PYRUS_API="v4")
    some = forecasted("backfill", sandbox, database, Budget(requests=100), PYRUS_API="v4")
    few = forecasted("backfill", sandbox, database, Budget(requests=5), PYRUS_API="v4")

    assert (some.is_complete, some.total, some.runs) == (True, whole.total, 3)
    assert slow.is_complete
    assert slow.runs == -(-slow.seconds // 300) > 1
    assert (few.is_complete, few.sent, few.runs) == (False, 5, None)


def test_the_program_prints_a_forecast(sandbox: Sandbox, database: Secret) -> None:
    options: dict[str, Any] = {"sandbox": sandbox, "database": database, "PYRUS_API": "v4"}
    shown = program("backfill", "--dry-run", **options)
    as_json = json.loads(program("sync", "--dry-run", "--json", **options).stdout)

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("backfill, dry run: nothing is stored\n")
    assert f"about {as_json['requests']:,} requests: login 2, directory " in shown.stdout
    assert "less than a minute of waiting at 5,000 requests per 600 s" in shown.stdout
    assert as_json["dry_run"] is True
    assert program("sync", "--dry-run", "--every", "1m", **options).returncode == 2
