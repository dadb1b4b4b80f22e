"""The incremental sync: the tasks that it fetches, the date from which it reads, and its cursor."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.runs import backfill, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

CURSOR = "SELECT cursor FROM pyrus.sync_cursors"


def spy(searches: list[dict[str, Any]]) -> Callable[[Asked], Reply | None]:
    """Records every search and passes it on."""

    def note(asked: Asked) -> None:
        if asked.path.endswith("searchtasks"):
            searches.append(json.loads(asked.body))

    return note


def instant(date: str) -> datetime:
    return datetime.fromtimestamp(int(date.removeprefix("/Date(").removesuffix(")/")) / 1000, UTC)


@pytest.mark.parametrize("skew", [0.0, 7200.0, -7200.0])
def test_the_cursor_is_the_servers_clock_at_the_start_of_the_run(database: Secret, query: Query, skew: float) -> None:
    with Sandbox(World(1, tasks=30, skew=skew)) as sandbox:
        start = moment(sandbox.world.clock.now()) + timedelta(seconds=skew)
        sync(sandbox, database)

        assert query(database, CURSOR) == [(start,)]

        sandbox.world.advance(500)
        sync(sandbox, database)

        assert query(database, CURSOR) == [(start + timedelta(seconds=500),)]


def test_the_next_run_reads_from_the_cursor_minus_the_overlap_and_has_no_end(database: Secret) -> None:
    searches: list[dict[str, Any]] = []
    with Sandbox(World(1, tasks=30)) as sandbox, in_front_of(sandbox, spy(searches)) as server:
        sync(sandbox, database)
        cursor = moment(sandbox.world.clock.now())
        sandbox.world.advance(86400)
        searches.clear()
        sync(sandbox, database, PYRUS_URL=server.url, PYRUS_ETL_OVERLAP="2h")

    (search,) = searches
    assert "ActiveTo" not in search
    assert search["IncludeClosedTasks"] is True
    assert timedelta(hours=2) <= cursor - instant(search["ActiveFrom"]) <= timedelta(hours=2, seconds=2)


def test_the_overlap_is_at_least_as_long_as_the_last_run_took(database: Secret, query: Query) -> None:
    searches: list[dict[str, Any]] = []
    with Sandbox(World(1, tasks=30)) as sandbox, in_front_of(sandbox, spy(searches)) as server:
        sync(sandbox, database)
        query(database, "UPDATE pyrus.sync_runs SET started_at = finished_at - interval '5 hours'")
        searches.clear()
        sync(sandbox, database, PYRUS_URL=server.url)

    assert moment(sandbox.world.clock.now()) - instant(searches[0]["ActiveFrom"]) >= timedelta(hours=5)


def test_a_run_that_fails_leaves_the_cursor_where_it_was(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        sync(sandbox, database)
        before = query(database, CURSOR)
        sandbox.world.live(3600, changes=10)
        sandbox.fail(1, "error", "contacts")  # the first try fails, the next gets an invalid body

        def break_contacts(asked: Asked) -> Reply | None:
            return Reply(200, b'{"Organizations": 5}') if asked.path.endswith("contacts") else None

        def refuse_lists(asked: Asked) -> Reply | None:
            return Reply(400, b"{}") if asked.path.endswith("searchtasks") else None

        with in_front_of(sandbox, refuse_lists) as server, pytest.raises(PyrusUnreachable):
            sync(sandbox, database, PYRUS_URL=server.url)
        assert query(database, CURSOR) == before

        with in_front_of(sandbox, break_contacts) as server:
            sync(sandbox, database, PYRUS_URL=server.url)  # unreadable contacts are left out

        assert query(database, CURSOR) != before
        assert_tables_equal_world(database, sandbox.world, lived=True)


def test_changes_during_a_run_are_fetched_by_the_next(database: Secret) -> None:
    changed: list[int] = []
    with Sandbox(World(2, tasks=80), cap=30) as sandbox:

        def change_between_lists(asked: Asked) -> None:
            if asked.path.endswith("searchtasks"):
                changed.extend(sandbox.world.live(60, changes=3).touched)

        with in_front_of(sandbox, change_between_lists) as server:
            backfill(sandbox, database, PYRUS_URL=server.url)
        sync(sandbox, database)

        assert changed
        assert_tables_equal_world(database, sandbox.world, lived=True)


def test_a_change_after_the_cursor_and_before_its_clock_was_read_is_not_lost(database: Secret) -> None:
    """A server whose Date runs ahead of the dates in tasks by less than the overlap."""
    with Sandbox(World(2, tasks=40, skew=1500)) as sandbox:
        sync(sandbox, database)
        sandbox.world.live(600, changes=10)
        sync(sandbox, database)

        assert_tables_equal_world(database, sandbox.world, lived=True)


def test_a_task_listed_without_a_date_is_fetched_each_time(database: Secret) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        task_id = sandbox.world.task_ids()[-1]
        sandbox.world.put(task_id, sandbox.world.body(task_id), modified=None)
        sync(sandbox, database)
        for _ in range(2):
            sandbox.requests.clear()
            sync(sandbox, database)

            assert sandbox.requests.fetched == [task_id]


def test_a_body_without_a_date_is_fetched_once(database: Secret) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        sandbox.world.put(77, {"Id": 77, "Text": "no date", "Notes": []})
        sync(sandbox, database)
        sandbox.requests.clear()
        sync(sandbox, database)

        assert sandbox.requests.fetched == []


def test_a_backdated_task_is_fetched_if_it_is_listed(database: Secret) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        sandbox.world.advance(3600)
        task_id = sandbox.world.edit(sandbox.world.task_ids()[3], "comment")
        sync(sandbox, database)
        sandbox.world.backdate(task_id, moment(sandbox.world.clock.now()) - timedelta(minutes=10))
        sandbox.requests.clear()
        sync(sandbox, database)

        assert sandbox.requests.fetched == [task_id]
        assert_tables_equal_world(database, sandbox.world, lived=True)


def test_an_unchanged_body_writes_no_row_even_if_its_date_changed(database: Secret, query: Query) -> None:
    rows = "SELECT xmin::text, task_id FROM pyrus.tasks UNION ALL SELECT xmin::text, task_id FROM pyrus.notes"
    with Sandbox(World(1, tasks=10)) as sandbox:
        body = sandbox.world.body(sandbox.world.task_ids()[0])
        task_id = sandbox.world.put(sandbox.world.task_ids()[0], body)
        sync(sandbox, database)
        before = sorted(query(database, rows))
        sandbox.world.advance(60)
        sandbox.world.put(task_id, body)
        result = sync(sandbox, database)

    assert (result.counts.tasks_fetched, result.counts.tasks_changed) == (1, 0)
    assert sorted(query(database, rows)) == before


def test_the_inbox_is_stored_in_its_order_and_follows_its_changes(database: Secret, query: Query) -> None:
    stored = "SELECT task_id FROM pyrus.inbox_tasks ORDER BY position"
    with Sandbox(World(2, tasks=300)) as sandbox:
        sync(sandbox, database)
        assert [row[0] for row in query(database, stored)] == sandbox.world.inbox()
        assert len(sandbox.world.inbox()) > 1

        first, second, *_ = sandbox.world.inbox()
        sandbox.world.close(first)
        sandbox.world.edit(sandbox.world.inbox()[-1], "comment")
        sync(sandbox, database)

        assert [row[0] for row in query(database, stored)] == sandbox.world.inbox()
        assert first not in sandbox.world.inbox()
        assert second in sandbox.world.inbox()


def test_the_report_of_a_run_is_its_row_in_sync_runs(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        result = sync(sandbox, database).as_json()

    names = [name for name in result if name not in ("run_id", "started_at", "finished_at", "exit_code")]
    (row,) = query(database, f"SELECT run_id::text, started_at, finished_at, {', '.join(names)} FROM pyrus.sync_runs")
    assert dict(zip(names, row[3:], strict=True)) == {name: result[name] for name in names}
    assert row[0] == result["run_id"]
    for stored, reported in zip(row[1:3], (result["started_at"], result["finished_at"]), strict=True):
        assert abs(stored - datetime.fromisoformat(reported)) <= timedelta(milliseconds=1)


def test_a_lost_database_connection_is_reopened_and_nothing_is_lost(database: Secret, query: Query) -> None:
    """PostgreSQL terminates our connection twice during a backfill."""
    ended = []
    with Sandbox(World(5, tasks=200), cap=50) as sandbox:

        def end_connections(asked: Asked) -> None:
            if asked.path.startswith("/restapi/v3/task/") and len(sandbox.requests.fetched) in (40, 120):
                ended.extend(
                    query(
                        database,
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND application_name = 'pyrus-etl'",
                    )
                )

        with in_front_of(sandbox, end_connections) as server:
            result = backfill(sandbox, database, PYRUS_URL=server.url, PYRUS_ETL_CONCURRENCY="1")

        assert ended
        assert result.counts.tasks_changed == 200
        assert_tables_equal_world(database, sandbox.world)
