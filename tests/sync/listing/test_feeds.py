"""Forms that an account sees for the first time, or again: their registers are read whole, whatever the cursor is."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyrus_etl.load.progress.feeds import load_first_rows
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.load.tasks.watched import due, watch_met
from pyrus_etl.model.task import Task
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.postgres.connection import connect
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import run
from tests import registers
from tests.conftest import settings_for
from tests.registers import rows
from tests.typing import Query

SECONDS_OF_A_WEEK = 7 * 86400


@pytest.fixture(params=[False, True], ids=["registers", "search of v3"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(World(5, tasks=80), hybrid=request.param) as sandbox:
        yield sandbox


def synced(sandbox: Sandbox, database: Secret) -> Result:
    result = asyncio.run(run(sync(), settings_for(sandbox, database, PYRUS_API="v4")))
    assert result.error is None
    return result


def largest_form(world: World) -> tuple[int, list[int]]:
    """The form with the most tasks, and its tasks."""
    tasks: dict[int, list[int]] = {}
    for task_id in world.task_ids():
        if form_id := world.v4.task(task_id).get("form_id"):
            tasks.setdefault(form_id, []).append(task_id)
    return max(tasks.items(), key=lambda form: len(form[1]))


def dates(database: Secret, query: Query, task_ids: list[int]) -> dict[object, object]:
    return dict(query(database, "SELECT task_id, modified_date FROM pyrus.tasks WHERE task_id = ANY(%s)", task_ids))


def test_a_form_that_comes_back_shows_what_changed_while_it_was_lost(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    form_id, task_ids = largest_form(sandbox.world)
    synced(sandbox, database)
    sandbox.world.v4.directory.grant(ACCOUNT.id, form_id, "none")
    sandbox.world.advance(60)
    synced(sandbox, database)
    before = dates(database, query, task_ids)
    sandbox.world.edit(task_ids[0])
    for _ in range(2):
        sandbox.world.advance(SECONDS_OF_A_WEEK)
        synced(sandbox, database)
    assert dates(database, query, task_ids) == before

    sandbox.world.v4.directory.grant(ACCOUNT.id, form_id, "manager")
    result = synced(sandbox, database)

    changed = dates(database, query, task_ids)
    assert {task_id for task_id in task_ids if changed[task_id] != before[task_id]} == {task_ids[0]}
    assert (result.exit_code, result.counts.tasks_fetched) == (0, 1)


def test_a_form_that_is_granted_late_is_read_whole(sandbox: Sandbox, database: Secret, query: Query) -> None:
    form_id, task_ids = largest_form(sandbox.world)
    sandbox.world.v4.directory.grant(ACCOUNT.id, form_id, "none")
    sandbox.world.advance(SECONDS_OF_A_WEEK)
    synced(sandbox, database)
    sandbox.world.advance(SECONDS_OF_A_WEEK)
    assert synced(sandbox, database).exit_code == 0

    sandbox.world.v4.directory.grant(ACCOUNT.id, form_id, "manager")
    synced(sandbox, database)

    assert set(dates(database, query, task_ids)) == set(task_ids)
    assert synced(sandbox, database).counts.tasks_fetched == 0


def test_a_task_in_no_feed_is_watched(database: Secret, query: Query) -> None:
    """Only the inbox showed it, or a reference. Task 1 is in a form, 2 in a list; the account no longer sees form 9."""
    query(database, "INSERT INTO pyrus.projects (project_id) VALUES (6), (8)")
    for task_id, form_id in ((1, 5), (2, None), (3, None), (4, 9)):
        values = (task_id, form_id)
        columns = "task_id, form_id, detail_at, asap, is_any_rejected, is_closed"
        query(database, f"INSERT INTO pyrus.tasks ({columns}) VALUES (%s, %s, now(), false, false, false)", *values)
        query(database, "INSERT INTO pyrus.task_sightings VALUES (%s, 7, NULL, now(), true)", task_id)
    query(database, "INSERT INTO pyrus.task_projects (task_id, project_id, project_no) VALUES (2, 6, 1), (3, 8, 1)")
    query(
        database,
        "INSERT INTO pyrus.directory_sightings (account_id, stream, thing_id, gone_at) VALUES "
        "(7, 'forms', 5, NULL), (7, 'lists', 6, NULL), (7, 'forms', 9, now())",
    )

    with connect(database) as connection:
        watch_met(connection, 7)
        connection.commit()
        assert due(connection, 7) == []
    assert query(database, "SELECT task_id FROM pyrus.watched_tasks") == [(3,), (4,)]


def test_a_row_that_is_older_than_the_stored_one_changes_nothing(database: Secret, query: Query) -> None:
    later = datetime(2026, 3, 1, tzinfo=UTC)

    def first_row(date: datetime, text: str) -> TaskLoad:
        task = Task(id=1, text=text, modified_date=date, is_closed=False)
        return TaskLoad(1, task_rows(task), date)

    with connect(database) as connection:
        for row in (first_row(later, "new"), first_row(later - timedelta(hours=1), "old")):
            load_first_rows(connection, 7, [row])
            connection.commit()

    assert query(database, "SELECT text, modified_date FROM pyrus.tasks") == [("new", later)]


def test_an_overfull_list_is_an_error_of_every_run_and_the_other_tasks_are_stored(
    database: Secret, query: Query
) -> None:
    """List 2 has five tasks of one second and the server lists at most four of them, so the list is never complete."""
    lists = {1: rows(2), 2: rows(5, first=11)}
    bodies = {f"/tasks/{each['id']}": {"task": each} for tasks in lists.values() for each in tasks}
    directory: dict[str, Any] = {
        "/catalogs": {},
        "/contacts": {},
        "/members": {},
        "/roles": {},
        "/inbox": {"tasks": []},
    }
    world = registers.World(lists=lists, cap=4, others=directory | bodies)
    with registers.serving(world, DATABASE_URL=database.reveal()) as (_, settings):
        results = [asyncio.run(run(sync(), settings)) for _ in range(2)]

    assert [str(result.error)[:54] for result in results] == [
        "Pyrus does not list all tasks of list 2 that were crea"
    ] * 2
    assert query(database, "SELECT count(*), count(detail_at) FROM pyrus.tasks") == [(6, 6)]
    assert query(database, "SELECT count(*) FROM pyrus.sync_cursors") == [(0,)]
