"""Reconcile: a census of all visible tasks, compared with the stored ones."""

from datetime import UTC, datetime

import pytest

from pyrus_etl.errors import CensusDoubted, PyrusEtlError, PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from tests.processes import eventually
from tests.runs import carried_out, reconcile, sync
from tests.scripted import Asked, in_front_of
from tests.typing import Query

DELETED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL ORDER BY task_id"


def test_without_changes_only_the_lists_are_read(database: Secret) -> None:
    with Sandbox(World(1, tasks=60), cap=25) as sandbox:
        sync(sandbox, database)
        sandbox.requests.clear()
        result = reconcile(sandbox, database)

        assert sandbox.requests.endpoints["task"] == 0
    assert (result.status, result.counts.tasks_fetched, result.counts.tasks_deleted) == ("ok", 0, 0)


def test_the_next_sync_reads_from_the_start_of_the_census(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=5)) as sandbox:
        sync(sandbox, database)
        sandbox.world.advance(86_400)
        start = moment(sandbox.world.clock.now())
        reconcile(sandbox, database)

    assert query(database, "SELECT cursor FROM pyrus.sync_cursors") == [(start,)]


def test_missing_tasks_are_marked_and_their_rows_are_kept(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        sync(sandbox, database)
        deleted, hidden = sandbox.world.task_ids()[:2]
        sandbox.world.delete(deleted)
        sandbox.world.revoke(hidden)
        result = reconcile(sandbox, database)
        again = reconcile(sandbox, database)

    assert (result.counts.tasks_deleted, again.counts.tasks_deleted) == (2, 0)
    assert query(database, DELETED) == sorted([(deleted,), (hidden,)])
    assert query(database, "SELECT count(*) > 0 FROM pyrus.notes WHERE task_id = %s", deleted) == [(True,)]


def test_a_task_that_comes_back_is_unmarked_and_fetched(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        sync(sandbox, database)
        task_id = sandbox.world.task_ids()[0]
        sandbox.world.revoke(task_id)
        reconcile(sandbox, database)
        sandbox.world.grant(task_id)
        result = reconcile(sandbox, database)

    assert result.counts.tasks_fetched == 1
    assert query(database, DELETED) == []


def test_a_task_that_comes_back_is_unmarked_even_if_it_cannot_be_read(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        sync(sandbox, database)
        task_id = sandbox.world.task_ids()[0]
        sandbox.world.revoke(task_id)
        reconcile(sandbox, database)
        sandbox.world.grant(task_id)
        sandbox.world.put(task_id, b'{"TaskWithNotes": 5}')
        result = reconcile(sandbox, database)

    assert result.counts.tasks_failed == 1
    assert query(database, DELETED) == []


def test_changes_behind_the_cursor_and_late_grants_are_found(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        granted, changed = sandbox.world.task_ids()[:2]
        sandbox.world.revoke(granted)
        sync(sandbox, database)
        sandbox.world.edit(changed, "comment")
        sandbox.world.backdate(changed, datetime(2026, 1, 5, tzinfo=UTC))
        sandbox.world.grant(granted)
        result = reconcile(sandbox, database)

    assert result.counts.tasks_changed == 2
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(60,)]


def test_an_unlisted_task_that_can_be_fetched_is_not_marked(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        sync(sandbox, database)
        query(database, "UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = %s", sandbox.world.task_ids()[0])
        reconcile(sandbox, database)

    assert query(database, DELETED) == []


def test_too_many_missing_tasks_are_not_marked_unless_forced(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        sync(sandbox, database)
        gone = sandbox.world.task_ids()[:5]
        for task_id in gone:
            sandbox.world.delete(task_id)
        with pytest.raises(CensusDoubted, match=r"5 tasks, 25.0% .* --force"):
            reconcile(sandbox, database)

        assert query(database, DELETED) == []
        result = reconcile(sandbox, database, force=True)

    assert result.counts.tasks_deleted == 5
    assert query(database, DELETED) == [(task_id,) for task_id in sorted(gone)]


@pytest.mark.parametrize("endpoint", ["inbox", "searchtasks", "alltasks"])
def test_a_census_that_is_not_complete_marks_nothing(
    database: Secret, query: Query, impatient: None, endpoint: str
) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        sync(sandbox, database)
        sandbox.world.delete(sandbox.world.task_ids()[0])
        sandbox.fail(100, "reset", endpoint)
        with pytest.raises(PyrusEtlError) as error:
            reconcile(sandbox, database)

    assert isinstance(error.value, PyrusUnreachable)
    assert query(database, DELETED) == []


def test_a_task_that_cannot_be_fetched_is_set_aside_and_not_marked(
    database: Secret, query: Query, impatient: None
) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        sync(sandbox, database)
        sandbox.world.delete(sandbox.world.task_ids()[0])
        sandbox.fail(1000, "error", "task")
        result = reconcile(sandbox, database)

    assert (result.counts.tasks_deleted, result.counts.tasks_failed) == (0, 1)
    assert query(database, DELETED) == []


def test_the_error_of_a_task_that_is_gone_is_closed(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        task_id = sandbox.world.task_ids()[0]
        sandbox.world.put(task_id, b"{}")
        sync(sandbox, database)
        sandbox.world.delete(task_id)
        result = reconcile(sandbox, database)

    assert (result.counts.tasks_failed, result.counts.tasks_deleted) == (0, 0)
    assert query(database, "SELECT count(*) FROM pyrus.sync_errors WHERE resolved_at IS NULL") == [(0,)]


def test_a_task_that_was_set_aside_and_loads_is_fetched_once(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        fixed = sandbox.world.task_ids()[3]
        sandbox.world.put(fixed, {"Id": "no task"})
        sync(sandbox, database)
        sandbox.world.put(fixed, {"Id": fixed, "Text": "fixed"})
        sandbox.requests.clear()

        def last_list_waits_for_it(asked: Asked) -> None:
            if "/alltasks/" in asked.path:
                eventually(lambda: query(database, "SELECT 1 FROM pyrus.tasks WHERE task_id = %s", fixed))

        with in_front_of(sandbox, last_list_waits_for_it) as server:
            carried_out(reconcile_plan(), sandbox, database, PYRUS_URL=server.url)

        assert sandbox.requests.fetched == [fixed]
