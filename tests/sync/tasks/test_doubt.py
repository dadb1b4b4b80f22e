"""Bodies that may be older than their tasks: stored, and fetched again by the next run, whatever the lists show."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.result import Result
from tests.oracle import assert_tables_equal_world
from tests.runs import carried_out, reconcile, sync
from tests.scripted import Asked, Reply, Scripted, in_front_of
from tests.typing import Query

DOUBTED = "SELECT task_id FROM pyrus.raw_tasks WHERE is_doubted"
DAY = 86_400
UNFINISHED = "UPDATE pyrus.sync_backfills SET finished_at = NULL"


def resume(sandbox: Sandbox, database: Secret, query: Query, **environment: str) -> Result:
    """Continues a backfill whose windows are all done, so that only the sync at its end is left."""
    query(database, UNFINISHED)
    return carried_out(backfill_plan(), sandbox, database, **environment)


def restart(sandbox: Sandbox, database: Secret, _: Query, **environment: str) -> Result:
    return carried_out(backfill_plan(restart=True), sandbox, database, **environment)


def census(sandbox: Sandbox, database: Secret, _: Query, **environment: str) -> Result:
    return carried_out(reconcile_plan(), sandbox, database, **environment)


def incremental(sandbox: Sandbox, database: Secret, _: Query, **environment: str) -> Result:
    return sync(sandbox, database, **environment)


Run = Callable[..., Result]
EACH_RUN = pytest.mark.parametrize("run", [incremental, census, restart, resume])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A Pyrus with a stopped clock, so that several changes can share a second."""
    with Sandbox(World(1, tasks=30, tick=0)) as running:
        yield running


@contextmanager
def lagging(sandbox: Sandbox, task_id: int, bodies: list[bytes]) -> Iterator[Scripted]:
    """Pyrus behind a replica: its next answers for the task are these earlier bodies."""

    def answer(asked: Asked) -> Reply | None:
        if bodies and asked.path.endswith(f"/task/{task_id}"):
            return Reply(200, bodies.pop(0), {"Date": sandbox.world.clock.header()})
        return None

    with in_front_of(sandbox, answer) as server:
        yield server


def changed(sandbox: Sandbox, task_id: int) -> bytes:
    """Changes a task an hour later, and lets a minute pass; returns the body before the change."""
    before = sandbox.world.body(task_id)
    sandbox.world.advance(3600)
    sandbox.world.edit(task_id, "comment")
    sandbox.world.advance(60)
    return before


@EACH_RUN
def test_a_body_older_than_its_list_is_fetched_again(
    sandbox: Sandbox, database: Secret, query: Query, run: Run
) -> None:
    """Even if the change is before the cursor, so that no list shows it any more."""
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[-1]
    with lagging(sandbox, task_id, [changed(sandbox, task_id)]) as server:
        sync(sandbox, database, PYRUS_URL=server.url)
    assert query(database, DOUBTED) == [(task_id,)]

    sandbox.world.advance(30 * DAY)
    run(sandbox, database, query)

    assert_tables_equal_world(database, sandbox.world, lived=True)
    assert query(database, DOUBTED) == []


@EACH_RUN
def test_an_old_body_in_any_run_is_stored_and_doubted(
    sandbox: Sandbox, database: Secret, query: Query, run: Run
) -> None:
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[-1]
    with lagging(sandbox, task_id, [changed(sandbox, task_id)]) as server:
        run(sandbox, database, query, PYRUS_URL=server.url)
        assert query(database, DOUBTED) == [(task_id,)]
        sandbox.world.advance(30 * DAY)
        sync(sandbox, database, PYRUS_URL=server.url)

    assert_tables_equal_world(database, sandbox.world, lived=True)


@EACH_RUN
def test_a_first_body_older_than_its_list_is_fetched_again(
    sandbox: Sandbox, database: Secret, query: Query, run: Run
) -> None:
    """A task that was not stored yet, in a first backfill."""
    task_id = sandbox.world.task_ids()[0]
    with lagging(sandbox, task_id, [changed(sandbox, task_id)]) as server:
        sync(sandbox, database, PYRUS_URL=server.url)
    run(sandbox, database, query)

    assert_tables_equal_world(database, sandbox.world, lived=True)


@EACH_RUN
def test_a_second_change_within_the_second_of_the_first_is_not_lost(
    sandbox: Sandbox, database: Secret, query: Query, run: Run
) -> None:
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[3]
    sandbox.world.advance(3600)
    sandbox.world.edit(task_id, "comment")
    sync(sandbox, database)
    sandbox.world.edit(task_id, "comment")  # the clock is stopped
    sandbox.world.advance(30 * DAY)
    run(sandbox, database, query)

    assert_tables_equal_world(database, sandbox.world, lived=True)
    assert query(database, DOUBTED) == []


def test_a_second_answer_within_two_seconds_does_not_end_the_doubt(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """Both answers may be older than a second change in that second."""
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[3]
    sandbox.world.advance(3600)
    sandbox.world.edit(task_id, "comment")
    sync(sandbox, database)
    sync(sandbox, database)
    assert query(database, DOUBTED) == [(task_id,)]
    sandbox.world.edit(task_id, "comment")  # the clock is stopped
    sandbox.world.advance(30 * DAY)
    sync(sandbox, database)

    assert_tables_equal_world(database, sandbox.world, lived=True)
    assert query(database, DOUBTED) == []


@pytest.mark.parametrize(("seconds", "fetched"), [(0, 1), (1, 1), (2, 1), (3, 0), (3600, 0)])
def test_a_body_is_doubted_until_the_servers_clock_is_two_seconds_past_its_date(
    sandbox: Sandbox, database: Secret, seconds: int, fetched: int
) -> None:
    sync(sandbox, database)
    sandbox.world.advance(3600)
    sandbox.world.edit(sandbox.world.task_ids()[3], "comment")
    sandbox.world.advance(seconds)
    sync(sandbox, database)
    sandbox.requests.clear()
    sync(sandbox, database)

    assert len(sandbox.requests.fetched) == fetched


def test_the_same_answer_a_second_time_ends_the_doubt(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """A server whose bodies never match its lists costs one more request per change, and none when idle."""
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[0]
    with lagging(sandbox, task_id, [changed(sandbox, task_id)] * 9) as server:
        fetched = [sync(sandbox, database, PYRUS_URL=server.url).counts.tasks_fetched for _ in range(4)]
        assert fetched == [1, 1, 0, 0]
        assert query(database, DOUBTED) == []
        assert reconcile(sandbox, database).counts.tasks_fetched == 0


def test_a_task_listed_as_changed_once_more_is_doubted_once_more(sandbox: Sandbox, database: Secret) -> None:
    """The same old body is served twice, each time after another change."""
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[0]
    before = changed(sandbox, task_id)
    with lagging(sandbox, task_id, [before] * 2) as server:
        sync(sandbox, database, PYRUS_URL=server.url)
        changed(sandbox, task_id)
        sync(sandbox, database, PYRUS_URL=server.url)
    sandbox.world.advance(30 * DAY)
    sync(sandbox, database)

    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_another_old_body_does_not_end_the_doubt(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """Two replicas with different lags."""
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[0]
    old = [changed(sandbox, task_id), changed(sandbox, task_id)]
    with lagging(sandbox, task_id, [old[1], old[0], old[1]]) as server:
        for _ in range(3):
            sandbox.world.advance(30 * DAY)
            sync(sandbox, database, PYRUS_URL=server.url)
            assert query(database, DOUBTED) == [(task_id,)]
        sync(sandbox, database, PYRUS_URL=server.url)

    assert_tables_equal_world(database, sandbox.world, lived=True)


@pytest.mark.parametrize("skew", [-7200.0, -3.0])
def test_a_body_from_the_servers_future_is_fetched_only_twice(database: Secret, skew: float) -> None:
    with Sandbox(World(1, tasks=10, skew=skew)) as sandbox:
        sync(sandbox, database)
        sandbox.world.advance(DAY)
        sandbox.world.edit(sandbox.world.task_ids()[0], "comment")

        fetched = []
        for _ in range(4):
            fetched.append(sync(sandbox, database).counts.tasks_fetched)
            sandbox.world.advance(3)
        assert fetched == [1, 1, 0, 0]


def test_a_doubted_task_is_fetched_once_per_run_even_if_several_lists_show_it(database: Secret, query: Query) -> None:
    with Sandbox(World(2, tasks=300, tick=0)) as sandbox:
        sync(sandbox, database)
        task_id = sandbox.world.edit(sandbox.world.inbox()[0], "comment")
        fetched = []
        for run in (incremental, census, restart):
            sandbox.requests.clear()
            run(sandbox, database, query)
            fetched.append(sandbox.requests.fetched)
            sandbox.world.advance(3)

        assert task_id in sandbox.world.inbox()
        assert fetched == [[task_id], [task_id], []]


def test_a_doubt_survives_runs_that_fail(sandbox: Sandbox, database: Secret, query: Query) -> None:
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[3]
    sandbox.world.advance(3600)
    sandbox.world.edit(task_id, "comment")
    sync(sandbox, database)
    sandbox.world.edit(task_id, "comment")
    sandbox.world.advance(30 * DAY)

    def refuse_lists(asked: Asked) -> Reply | None:
        return Reply(400) if "searchtasks" in asked.path else None

    with in_front_of(sandbox, refuse_lists) as server, pytest.raises(PyrusUnreachable):
        sync(sandbox, database, PYRUS_URL=server.url)
    assert query(database, DOUBTED) == [(task_id,)]

    sync(sandbox, database)
    assert_tables_equal_world(database, sandbox.world, lived=True)


@pytest.mark.parametrize("vanish", [World.delete, World.revoke])
def test_a_doubted_task_that_is_gone_is_left_to_the_census(
    sandbox: Sandbox, database: Secret, query: Query, vanish: Callable[[World, int], int]
) -> None:
    """No list shows it, so it is not set aside, and no date can show that it is gone."""
    sync(sandbox, database)
    task_id = sandbox.world.edit(sandbox.world.task_ids()[3], "comment")
    sync(sandbox, database)
    vanish(sandbox.world, task_id)
    result = sync(sandbox, database)
    assert (result.status, result.counts.tasks_failed) == ("ok", 0)
    assert reconcile(sandbox, database).counts.tasks_deleted == 1

    sandbox.requests.clear()
    sync(sandbox, database)
    assert sandbox.requests.fetched == []
    assert query(database, "SELECT count(*) FROM pyrus.sync_errors") == [(0,)]


def test_a_body_that_was_set_aside_and_comes_back_old_is_doubted(sandbox: Sandbox, database: Secret) -> None:
    """It is fetched again without a date; the date comes with the lists, while the fetch is under way."""
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[0]
    before = changed(sandbox, task_id)
    with lagging(sandbox, task_id, [b'{"TaskWithNotes": 5}', before]) as server:
        sync(sandbox, database, PYRUS_URL=server.url)
        sync(sandbox, database, PYRUS_URL=server.url)
    sandbox.world.advance(30 * DAY)
    sync(sandbox, database)

    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_it_is_doubted_even_if_no_list_shows_its_change_any_more(sandbox: Sandbox, database: Secret) -> None:
    sync(sandbox, database)
    task_id = sandbox.world.task_ids()[0]
    before = changed(sandbox, task_id)
    with lagging(sandbox, task_id, [b'{"TaskWithNotes": 5}', before]) as server:
        sync(sandbox, database, PYRUS_URL=server.url)
        sandbox.world.advance(30 * DAY)
        sync(sandbox, database, PYRUS_URL=server.url)
    sync(sandbox, database)

    assert_tables_equal_world(database, sandbox.world, lived=True)


def test_a_backdated_task_is_not_doubted(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """The list shows the earlier date as well."""
    sandbox.world.advance(3600)
    task_id = sandbox.world.task_ids()[3]
    sync(sandbox, database)
    sandbox.world.backdate(task_id, moment(sandbox.world.clock.now()) - timedelta(minutes=10))
    sync(sandbox, database)

    assert query(database, DOUBTED) == []
