"""Lists that the server refuses because too many tasks are requested: smaller lists still fetch everything."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.runs import reconcile, sync
from tests.scripted import Asked, Reply, Scripted, in_front_of
from tests.typing import Query

ENVELOPE = b'{"ApiException": {"Code": "BadFormat", "Message": "MaximumItemsCount is too large."}}'
CURSOR = "SELECT count(*) FROM pyrus.sync_cursors"

pytestmark = pytest.mark.usefixtures("impatient")


TOO_LARGE, TOO_SLOW = Reply(400, ENVELOPE), Reply(504)
REFUSALS = [TOO_LARGE, TOO_SLOW, Reply(413), Reply(500, ENVELOPE), Reply(200, b'{"Tasks": [{"Id":')]


def size_of(asked: Asked) -> int:
    """The number of tasks that a list is asked for; 0 if the request is not for a list."""
    if asked.path.endswith("searchtasks"):
        return int(json.loads(asked.body)["MaximumItemsCount"])
    *_, name, size = asked.path.split("/")
    return int(size) if name in ("inbox", "alltasks") else 0


@contextmanager
def limited(sandbox: Sandbox, limit: int, refusal: Reply, of: str = "") -> Iterator[Scripted]:
    """The sandbox behind a server that refuses lists of more than `limit` tasks."""

    def answer(asked: Asked) -> Reply | None:
        return refusal if of in asked.path and size_of(asked) > limit else None

    with in_front_of(sandbox, answer) as server:
        yield server


@pytest.mark.parametrize(
    ("limit", "refusal"), [*((50, refusal) for refusal in REFUSALS), (7, TOO_LARGE), (300, TOO_SLOW)]
)
def test_the_first_lists_of_a_run_can_be_too_long(database: Secret, limit: int, refusal: Reply) -> None:
    with Sandbox(World(2, tasks=60)) as sandbox, limited(sandbox, limit, refusal) as server:
        result = sync(sandbox, database, PYRUS_URL=server.url)
        sizes = Counter((asked.path, asked.body) for asked in server.asked if size_of(asked) > limit)

        assert result.status == "ok"
        assert max(sizes.values()) <= 4  # twice, and twice more after a smaller one was answered
        assert_tables_equal_world(database, sandbox.world)


@pytest.mark.parametrize("refusal", [TOO_LARGE, TOO_SLOW])
def test_a_second_with_many_tasks_is_listed_in_the_longest_possible_list(
    database: Secret, query: Query, refusal: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like lists of 5,000 tasks, then of four times as many, with a server that returns 10,000."""
    monkeypatch.setattr("pyrus_etl.extract.v3.windows.MOST_LISTED", 25)
    world = World(2, tasks=10, tick=0)
    world.advance(60)
    world.create(48)
    with Sandbox(world) as sandbox, limited(sandbox, 50, refusal, of="searchtasks") as server:
        result = sync(sandbox, database, PYRUS_URL=server.url)

        assert result.status == "ok"
        assert query(database, CURSOR) == [(1,)]
        assert_tables_equal_world(database, sandbox.world)


def test_a_second_that_holds_more_than_the_longest_list_is_an_error(database: Secret, query: Query) -> None:
    world = World(2, tasks=10, tick=0)
    world.advance(60)
    world.create(48)
    with (
        Sandbox(world) as sandbox,
        limited(sandbox, 47, TOO_LARGE, of="searchtasks") as server,
        pytest.raises(PyrusUnreachable, match="1 second"),
    ):
        sync(sandbox, database, PYRUS_URL=server.url)

    assert query(database, CURSOR) == [(0,)]
    assert query(database, "SELECT count(*) >= 57 FROM pyrus.tasks") == [(True,)]


@pytest.mark.parametrize("refusal", [TOO_LARGE, TOO_SLOW])
@pytest.mark.parametrize("name", ["inbox", "alltasks"])
def test_inbox_and_all_tasks_are_read_up_to_the_servers_limit(
    database: Secret, query: Query, refusal: Reply, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrus_etl.extract.v3.api.FIRST_ASKED", 10)
    with Sandbox(World(2, tasks=60)) as sandbox, limited(sandbox, 50, refusal, of=name) as server:
        sync(sandbox, database, PYRUS_URL=server.url)
        largest = max(size_of(asked) for asked in server.asked if name in asked.path and size_of(asked) <= 50)

        assert largest == 50 or query(database, "SELECT count(*) <= 10 FROM pyrus.inbox_tasks") == [(True,)]
        assert_tables_equal_world(database, sandbox.world)


@pytest.mark.parametrize("run", [sync, reconcile])
def test_a_list_that_fails_in_every_size_is_a_server_error(
    database: Secret, run: Callable[..., object], query: Query
) -> None:
    with Sandbox(World(2, tasks=20)) as sandbox:
        sync(sandbox, database)
        before = query(database, "SELECT cursor FROM pyrus.sync_cursors")
        sandbox.fail(1000, "unavailable", "searchtasks")
        with pytest.raises(PyrusUnreachable, match="searchtasks is busy"):
            run(sandbox, database)

        assert sandbox.requests.endpoints["searchtasks"] < 30
    assert query(database, "SELECT cursor FROM pyrus.sync_cursors") == before
