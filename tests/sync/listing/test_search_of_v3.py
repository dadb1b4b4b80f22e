"""A sync of API v4 tries the search of v3, and what that costs if it is refused."""

import json

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import sync
from tests.scripted import Asked, Reply, in_front_of, passed_on
from tests.typing import Query

V4 = {"PYRUS_API": "v4"}


def feeds(sandbox: Sandbox, query: Query, database: Secret) -> int:
    return int(
        str(
            query(
                database, "SELECT (SELECT count(*) FROM pyrus.forms) + count(*) FROM pyrus.projects WHERE kind = 'list'"
            )[0][0]
        )
    )


def test_a_refused_search_is_tried_once_a_day_and_an_idle_sync_keeps_to_its_requests(
    database: Secret, query: Query
) -> None:
    with Sandbox(World(tasks=40)) as sandbox:
        sync(sandbox, database, **V4)
        sandbox.world.live(600, 12)
        sandbox.world.advance(60)
        sync(sandbox, database, **V4)
        sandbox.requests.clear()
        idle = sync(sandbox, database, **V4)

        assert sandbox.requests.endpoints["searchtasks"] == 0
        assert idle.counts.tasks_fetched == 0
        assert idle.counts.requests <= feeds(sandbox, query, database) + 10
        query(database, "UPDATE pyrus.sync_runs SET started_at = started_at - interval '1 day'")
        sync(sandbox, database, **V4)
        assert sandbox.requests.endpoints["searchtasks"] == 1


def test_a_search_that_works_is_used_in_each_sync(database: Secret) -> None:
    with Sandbox(World(tasks=40), hybrid=True) as sandbox:
        sync(sandbox, database, **V4)
        sandbox.requests.clear()
        idle = sync(sandbox, database, **V4)

        assert idle.counts.requests <= 11
        assert sandbox.requests.endpoints["register"] == 0


def test_fractions_of_seconds_in_the_search_raise_no_doubt_of_bodies(database: Secret, query: Query) -> None:
    with Sandbox(World(tasks=40, tick=0.3), hybrid=True) as sandbox:
        sync(sandbox, database, **V4)
        for task_id in sandbox.world.task_ids()[:12]:
            sandbox.world.edit(task_id, "comment")
        sandbox.world.advance(60)
        sync(sandbox, database, **V4)

        assert query(database, "SELECT count(*) FROM pyrus.raw_tasks WHERE is_doubted") == [(0,)]
        assert sync(sandbox, database, **V4).counts.tasks_fetched == 0


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"Tasks": []}, id="nothing"),
        pytest.param({"HasMoreTasks": True}, id="always more"),
        pytest.param("/Date(0)/", id="old dates"),
    ],
)
def test_a_search_that_does_not_list_what_is_stored_is_not_believed(
    database: Secret, query: Query, lie: dict[str, object] | str
) -> None:
    """It may show only some tasks, or other dates. Registers and lists find the changes in the same run."""

    def answer(asked: Asked) -> Reply | None:
        if not asked.path.endswith("searchtasks"):
            return None
        tasks = [{"Id": task_id, "ModifiedDate": lie} for task_id in sandbox.world.task_ids()]
        return Reply(200, json.dumps({"Tasks": tasks} if isinstance(lie, str) else lie).encode())

    with Sandbox(World(tasks=40), hybrid=True) as sandbox:
        sync(sandbox, database, **V4)
        sandbox.world.advance(3600)
        changed = sandbox.world.task_ids()[:5]
        for task_id in changed:
            sandbox.world.edit(task_id, "comment")
        sandbox.world.advance(60)
        with in_front_of(sandbox, answer) as server:
            assert sync(sandbox, database, PYRUS_URL=server.url, **V4).counts.tasks_changed == len(changed)
            server.asked.clear()
            sync(sandbox, database, PYRUS_URL=server.url, **V4)

        assert not [asked for asked in server.asked if asked.path.endswith("searchtasks")]


def test_a_search_need_not_list_a_task_that_no_list_shows(database: Secret, query: Query) -> None:
    """Such a task is stored because another refers to it; the account may read it, and meets it nowhere."""
    with Sandbox(World(tasks=40), hybrid=True) as sandbox:
        sync(sandbox, database, **V4)
        newest = "SELECT task_id FROM pyrus.tasks ORDER BY modified_date DESC LIMIT 1"
        ((hidden,),) = query(database, newest)
        query(
            database,
            """
            WITH seen AS (DELETE FROM pyrus.task_sightings WHERE task_id = %s RETURNING task_id, account_id),
                stored AS (DELETE FROM pyrus.tasks WHERE task_id = (SELECT task_id FROM seen))
            INSERT INTO pyrus.watched_tasks (task_id, account_id) SELECT task_id, account_id FROM seen
            """,
            hidden,
        )

        def answer(asked: Asked) -> Reply | None:
            if not asked.path.endswith("searchtasks"):
                return None
            reply = passed_on(sandbox, asked)
            listed = json.loads(reply.body)
            tasks = [task for task in listed["Tasks"] if task["Id"] != hidden]
            return reply._replace(body=json.dumps(listed | {"Tasks": tasks}).encode())

        with in_front_of(sandbox, answer) as server:
            for _ in range(2):
                sandbox.world.advance(7200)
                sync(sandbox, database, PYRUS_URL=server.url, **V4)

        assert query(database, newest) == [(hidden,)]
        assert query(database, "SELECT DISTINCT search_works FROM pyrus.sync_runs") == [(True,)]
