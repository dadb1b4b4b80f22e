"""A sync through API v4: first rows before full rows, few requests, and nothing lost when rights or registers lag."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from tests.conftest import settings_for
from tests.runs import program, result_of
from tests.tables_v4 import assert_tables_equal_world_v4
from tests.typing import Query

ENOUGH_FOR_REGISTERS = 90
WITHOUT_BODY = "SELECT count(*) FROM pyrus.tasks WHERE detail_at IS NULL"
DELETED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL"


def ran(plan: Plan, sandbox: Sandbox, database: Secret, budget: Budget = NO_LIMIT, **environment: str) -> Result:
    """The result of a run through API v4; raises the error that ended it."""
    sandbox.requests.clear()
    result = asyncio.run(run(plan, settings_for(sandbox, database, PYRUS_API="v4", **environment), budget=budget))
    if result.error is not None and result.exit_code:
        raise result.error
    return result


def feeds(sandbox: Sandbox) -> int:
    """The number of forms and of lists."""
    asked = sandbox.requests.summary()["endpoints"]
    return int(asked["register"] + asked["listtasks"])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(5, tasks=120)) as sandbox:
        yield sandbox


def test_every_task_has_rows_before_any_body_is_fetched(sandbox: Sandbox, database: Secret, query: Query) -> None:
    first = ran(backfill(), sandbox, database, Budget(requests=ENOUGH_FOR_REGISTERS), PYRUS_ETL_CONCURRENCY="1")
    ids = {task_id for (task_id,) in query(database, "SELECT task_id FROM pyrus.tasks")}
    of_forms = {task_id for task_id in sandbox.world.task_ids() if sandbox.world.v4.task(task_id).get("form_id")}

    assert first.status == "partial"
    assert of_forms <= ids
    assert query(database, WITHOUT_BODY) != [(0,)]
    assert dict(query(database, "SELECT task_id, is_closed FROM pyrus.tasks WHERE form_id IS NOT NULL")) == {
        task_id: sandbox.world.v4.task(task_id).get("close_date") is not None for task_id in of_forms
    }

    shown = program("status", database=database).stdout
    assert re.search(r"Details: \d+ of \d+ tasks; sync fetches the rest in about \d+ s, until", shown)

    fetched = set(sandbox.requests.summary()["fetched"])
    ran(backfill(), sandbox, database)

    assert fetched & set(sandbox.requests.summary()["fetched"]) == set(), "no body is fetched again"
    assert query(database, WITHOUT_BODY) == [(0,)]
    assert_tables_equal_world_v4(database, sandbox.world)


def test_bodies_come_newest_first(sandbox: Sandbox, database: Secret) -> None:
    ran(backfill(), sandbox, database, PYRUS_ETL_CONCURRENCY="1")
    fetched = sandbox.requests.summary()["fetched"]
    dates = [sandbox.world.v4.task(task_id)["last_modified_date"] for task_id in fetched]

    assert dates == sorted(dates, reverse=True)


def test_an_idle_sync_asks_each_register_and_list_once_and_a_change_costs_one_request(
    sandbox: Sandbox, database: Secret
) -> None:
    ran(sync(), sandbox, database)
    sandbox.world.advance(3600)
    ran(sync(), sandbox, database)
    idle = ran(sync(), sandbox, database)

    assert idle.counts.tasks_fetched == 0
    assert idle.counts.requests <= feeds(sandbox) + 10

    touched = sandbox.world.live(3600, 15).touched
    sandbox.world.advance(10)
    changed = ran(sync(), sandbox, database)

    assert changed.counts.tasks_fetched == len(touched)
    assert changed.counts.requests <= feeds(sandbox) + 10 + len(touched)
    assert_tables_equal_world_v4(database, sandbox.world)


def test_one_search_of_v3_lists_all_changes_if_it_takes_the_token(sandbox: Sandbox, database: Secret) -> None:
    sandbox.reconfigure(hybrid=True)
    ran(sync(), sandbox, database)
    touched = sandbox.world.live(3600, 10).touched
    sandbox.world.advance(10)
    result = ran(sync(), sandbox, database)

    assert result.counts.tasks_fetched >= len(touched)
    assert "register" not in sandbox.requests.summary()["endpoints"]
    assert_tables_equal_world_v4(database, sandbox.world)


def test_a_register_that_lags_hides_a_change_only_until_it_catches_up(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    sandbox.reconfigure(register_lag=900.0)
    sandbox.world.advance(1000)
    ran(sync(), sandbox, database)
    created = sandbox.world.create(3)
    sandbox.world.edit(created[0])
    sandbox.world.advance(60)
    ran(sync(), sandbox, database)
    ran(reconcile(), sandbox, database)

    assert query(database, DELETED) == []

    sandbox.world.advance(900)
    result = ran(sync(), sandbox, database)
    (lag,) = query(database, "SELECT max(register_lag_seconds) FROM pyrus.sync_runs")

    assert result.counts.tasks_fetched >= 1
    assert lag[0] is not None
    assert 0 < float(str(lag[0])) <= 900
    assert_tables_equal_world_v4(database, sandbox.world)


def test_tasks_that_a_register_does_not_show_yet_raise_no_doubt_in_a_census(database: Secret, query: Query) -> None:
    """They are five of eight tasks, and Pyrus confirms each of them."""
    with Sandbox(World(5, tasks=3)) as sandbox:
        ran(sync(), sandbox, database)
        created = sandbox.world.create(5)
        sandbox.world.advance(60)
        ran(sync(), sandbox, database)
        sandbox.reconfigure(register_lag=900.0)
        result = ran(reconcile(), sandbox, database)

        assert (result.status, result.counts.tasks_deleted) == ("ok", 0)
        assert {*created} <= {*sandbox.requests.summary()["fetched"]}

        sandbox.world.advance(7200)
        sandbox.world.delete(created[0])
        for task_id in created[1:]:
            sandbox.world.revoke(task_id)
        assert "absent from Pyrus's lists" in str(result_of(reconcile(), sandbox, database, PYRUS_API="v4").error)


def test_a_page_that_the_server_caps_is_not_the_end(database: Secret) -> None:
    with Sandbox(World(6, tasks=150), register_cap=7, list_cap=5) as sandbox:
        ran(sync(), sandbox, database)

        assert_tables_equal_world_v4(database, sandbox.world)


@pytest.mark.parametrize("level", ["refused", "none"])
def test_the_tasks_of_a_lost_form_stay_and_the_run_ends_with_6(
    sandbox: Sandbox, database: Secret, query: Query, level: Any
) -> None:
    ran(sync(), sandbox, database)
    ((form_id, _),) = query(
        database,
        "SELECT form_id, count(*) FROM pyrus.tasks WHERE form_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
    )
    directory = sandbox.world.v4.directory
    directory.grant(ACCOUNT.id, form_id, level)
    censused, synced = ran(reconcile(), sandbox, database), ran(sync(), sandbox, database)

    assert (censused.exit_code, synced.exit_code) == (6, 6)
    assert censused.counts.forms_lost == 1
    assert query(database, DELETED) == []
    assert query(database, "SELECT form_id FROM pyrus.forms WHERE lost_at IS NOT NULL") == [(form_id,)]
    assert ran(sync(), sandbox, database, PYRUS_ETL_FORMS=f"-{form_id}").exit_code == 0

    directory.grant(ACCOUNT.id, form_id, "manager")
    assert ran(sync(), sandbox, database).exit_code == 0
    assert query(database, "SELECT count(*) FROM pyrus.forms WHERE lost_at IS NOT NULL") == [(0,)]


def test_tasks_of_a_lost_form_stay_even_if_their_bodies_were_refused(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """They were set aside, so a census asks for them whatever its lists show."""
    ran(backfill(), sandbox, database, Budget(requests=ENOUGH_FOR_REGISTERS), PYRUS_ETL_CONCURRENCY="1")
    waiting = "SELECT form_id FROM pyrus.tasks WHERE detail_at IS NULL AND form_id IS NOT NULL"
    ((form_id,),) = query(database, f"{waiting} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    sandbox.world.v4.directory.grant(ACCOUNT.id, form_id, "none")
    refused, censused = ran(backfill(), sandbox, database), ran(reconcile(force=True), sandbox, database)

    assert refused.counts.tasks_failed > 0
    assert (censused.exit_code, censused.counts.forms_lost) == (6, 1)
    assert query(database, DELETED) == []

    sandbox.world.v4.directory.grant(ACCOUNT.id, form_id, "manager")
    ran(sync(), sandbox, database)
    assert_tables_equal_world_v4(database, sandbox.world)


def test_a_census_marks_what_pyrus_refuses_and_keeps_what_left_its_lists(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    ran(sync(), sandbox, database)
    gone, left = sandbox.world.task_ids()[3:5]
    sandbox.world.delete(gone)
    sandbox.world.unlist(left)
    census = ran(reconcile(), sandbox, database)

    assert query(database, DELETED) == [(gone,)]
    assert census.counts.requests <= feeds(sandbox) + 10 + 2
    assert query(database, "SELECT task_id FROM pyrus.watched_tasks") == [(left,)]
    assert left not in sandbox.requests.summary()["fetched"] or census.counts.tasks_deleted == 1

    sandbox.world.restore(gone)
    sandbox.world.relist(left)
    ran(reconcile(), sandbox, database)

    assert query(database, DELETED) == []
    assert query(database, "SELECT task_id FROM pyrus.watched_tasks") == []
    assert_tables_equal_world_v4(database, sandbox.world)


def test_a_database_of_v3_continues_with_v4(sandbox: Sandbox, database: Secret, query: Query) -> None:
    settings = settings_for(sandbox, database, PYRUS_API="v3")
    assert asyncio.run(run(sync(), settings)).status == "ok"
    ran(sync(), sandbox, database)
    ran(reconcile(), sandbox, database)

    assert query(database, "SELECT DISTINCT api FROM pyrus.raw_tasks") == [("v4",)]
    assert_tables_equal_world_v4(database, sandbox.world)


def test_a_backfill_that_v3_left_in_the_middle_of_its_windows_goes_on_with_v4(database: Secret, query: Query) -> None:
    with Sandbox(World(5, tasks=120), cap=7) as sandbox:
        over_v3 = settings_for(sandbox, database, PYRUS_API="v3")
        assert asyncio.run(run(backfill(), over_v3, budget=Budget(requests=40))).status == "partial"
        assert len(query(database, "SELECT window_no FROM pyrus.sync_windows WHERE done_at IS NULL")) > 1

        assert ran(backfill(), sandbox, database).status == "ok"

        assert query(database, "SELECT window_no FROM pyrus.sync_windows WHERE done_at IS NULL") == []
        assert_tables_equal_world_v4(database, sandbox.world)


def test_a_form_that_is_left_out_has_no_row_whatever_lists_show_it(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    forms = [form["id"] for form in sandbox.world.v4.directory.forms(ACCOUNT.id)]
    ran(sync(), sandbox, database, PYRUS_ETL_FORMS=f"-{forms[0]},-{forms[1]}")
    sandbox.world.live(3600, 30)
    ran(sync(), sandbox, database, PYRUS_ETL_FORMS=f"-{forms[0]},-{forms[1]}")

    stored = {form_id for (form_id,) in query(database, "SELECT DISTINCT form_id FROM pyrus.tasks")}
    assert stored.isdisjoint(forms[:2])
    assert stored & set(forms[2:])
    assert None in stored, "tasks without a form come from lists"


def test_only_one_form_can_be_read(sandbox: Sandbox, database: Secret, query: Query) -> None:
    (only, *_) = (form["id"] for form in sandbox.world.v4.directory.forms(ACCOUNT.id))
    ran(sync(), sandbox, database, PYRUS_ETL_FORMS=str(only), PYRUS_ETL_LISTS="1")
    ran(reconcile(), sandbox, database, PYRUS_ETL_FORMS=str(only), PYRUS_ETL_LISTS="1")

    of_it = [one for one in sandbox.world.task_ids() if sandbox.world.v4.task(one).get("form_id") == only]
    assert query(database, "SELECT task_id FROM pyrus.tasks ORDER BY 1") == [(one,) for one in sorted(of_it)]
