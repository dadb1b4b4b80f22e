"""Bots of one organisation, each with a worker of its own at the same time: what one fetches, no other one does."""

from threading import Barrier

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.settings import Secret
from tests.cluster.clusters import Cluster
from tests.oracle import assert_tables_equal_world
from tests.processes import eventually
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

FIRST, SECOND = "robot@northlight.example", "second@northlight.example"
BOTS = {FIRST: ACCOUNT.id, SECOND: EVERYBODY[21].id}
TASKS, OF_ONE = 600, 100
"""The tasks in all, and those that each bot sees alone."""
WORKERS = "SELECT name FROM pyrus_cluster.workers ORDER BY name"
DONE = "SELECT count(*) FROM pyrus_cluster.accounts WHERE backfilled_at IS NOT NULL"
BY = "SELECT DISTINCT claimed_by FROM pyrus_cluster.accounts ORDER BY 1"
READERS = "SELECT task_id, account_id FROM pyrus.task_sightings WHERE is_reader"
SEEN = "SELECT account_id, count(*) FROM pyrus.task_sightings GROUP BY 1"
LEFT = "SELECT (SELECT count(*) FROM pyrus.task_claims), (SELECT count(*) FROM pyrus.sync_errors)"


def test_two_workers_share_the_tasks_of_two_bots(cluster: Cluster, database: Secret, query: Query) -> None:
    world = World(1, tasks=TASKS)
    ids = world.task_ids()
    for task_id in ids[:OF_ONE]:
        world.hide(task_id, BOTS[SECOND])
    for task_id in ids[-OF_ONE:]:
        world.hide(task_id, BOTS[FIRST])
    world.advance(60)  # so that no body is doubted, because its task has just changed
    both = Barrier(len(BOTS))

    def both_at_once(asked: Asked) -> Reply | None:
        """Nobody is logged in before both are at work, each at a worker, because a worker takes one account."""
        if asked.path.endswith("/getaccesstoken") and not both.broken:
            both.wait(60)
        return None

    with (
        Sandbox(world, accounts={SECOND: BOTS[SECOND]}) as sandbox,
        in_front_of(sandbox, both_at_once) as server,
        cluster.worker("--name", "A", "--accounts", "1"),
        cluster.worker("--name", "B", "--accounts", "1"),
    ):
        eventually(lambda: query(cluster.url, WORKERS) == [("A",), ("B",)])
        v3 = ("--api", "v3", "--client-id", sandbox.options.client_id, "--url", server.url, "--every", "1h")
        for login in BOTS:
            assert cluster.add("acme", sandbox, database, *v3, "--login", login).returncode == 0
        eventually(lambda: query(cluster.url, DONE) == [(2,)], seconds=120)
        fetched, sent = list(sandbox.requests.fetched), sandbox.requests.total

    readers = dict(query(database, READERS))
    bodies = {task_id: world.body(task_id, reader) for task_id, reader in readers.items()}
    assert query(cluster.url, BY) == [("A",), ("B",)]
    assert sorted(fetched) == sorted(ids), "each task once"
    assert sent - len(fetched) <= 10 * len(BOTS), "logins, lists, and what tasks refer to"
    assert dict(query(database, SEEN)) == dict.fromkeys(BOTS.values(), TASKS - OF_ONE)
    assert_tables_equal_world(database, bodies, lived=True)
    assert query(database, LEFT) == [(0, 0)]
