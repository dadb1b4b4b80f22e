"""A webhook names a task, which is fetched at once. Nothing else of a webhook is used, and nothing in it does harm."""

import hashlib
import hmac
import threading
from typing import Any

import msgspec
import psycopg
import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.serve.webhook import LARGEST, is_signed, named
from pyrus_etl.settings import Secret
from tests.conftest import settings_for
from tests.processes import eventually
from tests.runs import CHECKOUT, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.serving import Reply as Answer
from tests.serving import Serving
from tests.typing import Query

STORED = "SELECT extract(epoch FROM modified_date)::bigint, text FROM pyrus.tasks WHERE task_id = %s"
HINTS = "SELECT task_id FROM pyrus.sync_hints ORDER BY task_id"
RUNS = "SELECT kind, status FROM pyrus.sync_runs WHERE finished_at IS NOT NULL ORDER BY run_id"
KEY = Secret("sandbox-key")


def signature(body: bytes, key: Secret = KEY) -> str:
    return hmac.new(key.reveal().encode(), body, hashlib.sha1).hexdigest()


def sent(served: Serving, body: bytes, **headers: str) -> Answer:
    """The answer to a webhook with a right signature, unless another one is given."""
    return served.ask("POST", "/webhook", body, {"X-Pyrus-Sig": signature(body), "X-Pyrus-Retry": "1/3", **headers})


def about(task_id: int, **more: Any) -> bytes:
    """A webhook about a task. Its body says nothing that is true of the task."""
    task = {"id": task_id, "text": "forged", "last_modified_date": "2031-01-01T00:00:00Z"}
    return msgspec.json.encode({"event": "comment", "access_token": "t", "task_id": task_id, "task": task, **more})


def outcomes(served: Serving) -> dict[str, int]:
    lines = served.get("/metrics").body.decode().splitlines()
    found = [line for line in lines if line.startswith("pyrus_etl_webhooks_total{")]
    return {line.split('"')[1]: int(float(line.split()[-1])) for line in found}


@pytest.mark.parametrize(
    ("body", "task_ids"),
    [
        (about(12), {12}),
        (b'{"task_id": 1532, "task": {"id": 11611}}', {1532, 11611}),  # the example of the vendor's page
        (b'{"task_id": 12}', {12}),
        (b'{"task": {"id": 12, "text": "\\ud800"}}', {12}),
        *((body, set()) for body in (b"", b"\xff", b"[]", b"{}", b'"12"', b'{"task_id": 12', b"[" * 100_000)),
        *((b'{"task_id": %b}' % value, set()) for value in (b"null", b"true", b'"12"', b"1.5", b"-1", b"0", b"1e400")),
        (b'{"task_id": 9223372036854775808, "task": []}', set()),
    ],
)
def test_a_body_names_tasks_and_nothing_in_it_does_harm(body: bytes, task_ids: set[int]) -> None:
    assert named(body) == task_ids


@pytest.mark.parametrize("name", ["v4_doc_webhook.json", "v4_webhook_event_comment_REAL.json"])
def test_recorded_webhooks_are_read(name: str) -> None:
    file = CHECKOUT.parent / "shared/samples" / name
    if not file.exists():
        pytest.skip("the recorded answers are not here")
    body = file.read_bytes()
    whole = msgspec.json.decode(body)

    assert named(body) == {whole["task_id"], whole["task"]["id"]}


def test_a_signature_is_the_hmac_of_the_body_as_it_came() -> None:
    body = about(1)

    assert is_signed(body, KEY, signature(body))
    assert is_signed(body, KEY, f" sha1={signature(body).upper()} ")
    for wrong in ("", "0" * 40, signature(body)[:-1], signature(body + b" "), signature(body, Secret("another")), "ÿ"):
        assert not is_signed(body, KEY, wrong)


def test_from_a_webhook_to_the_row(database: Secret, query: Query) -> None:
    """Twice, and about tasks that are unknown or not ours, it does no harm."""
    world = World(1, tasks=20)
    edited, hidden = world.task_ids()[:2]
    with Sandbox(world) as sandbox:
        sync(sandbox, database)
        world.revoke(hidden)
        before = query(database, "SELECT * FROM pyrus.tasks WHERE task_id = %s", hidden)
        with Serving(settings_for(sandbox, database)) as served:
            eventually(lambda: ("sync", "ok") in query(database, RUNS)[1:])
            world.edit(edited)
            (created,) = world.create()
            for task_id in (edited, created, hidden, 999_999_999):
                first, second = sent(served, about(task_id)), sent(served, about(task_id))
                assert (first.status, first.body) == (second.status, second.body)
            eventually(lambda: query(database, HINTS) == [] and query(database, STORED, created))
            refused = sent(served, about(edited), **{"X-Pyrus-Sig": signature(b"")})
            garbage = [sent(served, body).status for body in (b"", b"garbage", b'{"task_id": {}}')]
            largest = b" " * LARGEST
            too_large = sent(served, largest + b" ")
            garbage.append(sent(served, largest).status)
            counted = outcomes(served)
            wrong_method = served.get("/webhook").status

        for task_id in (edited, created):
            ((modified, text),) = query(database, STORED, task_id)
            assert modified == world.register.modified[world.ordinal(task_id)] // 1000
            assert text != "forged"
        assert query(database, "SELECT * FROM pyrus.tasks WHERE task_id = %s", hidden) == before
        assert query(database, "SELECT 1 FROM pyrus.sync_errors") == []
    assert refused.status == 401
    assert too_large.status == 413
    assert set(garbage) == {200}
    assert counted == {"accepted": 8, "unreadable": 4, "refused": 1, "too_large": 1, "busy": 0, "broken": 0}
    assert wrong_method == 405
    runs = query(database, RUNS)
    assert runs[:3] == [("sync", "ok"), ("sync", "ok"), ("hints", "ok")]
    assert {kind for kind, _ in runs[2:]} == {"hints"}


def test_hints_do_not_wait_for_a_sync_that_takes_long(database: Secret, query: Query) -> None:
    """They are fetched beside it. A task that it is fetching is asked again: that answer may be older than the hint."""
    world = World(1, tasks=20)
    slow, edited = world.task_ids()[:2]
    asked, release = threading.Event(), threading.Event()

    def held(request: Asked) -> Reply | None:
        if request.path.endswith(f"task/{slow}") and not asked.is_set():
            asked.set()
            assert release.wait(60)
        return None

    with Sandbox(world) as sandbox, in_front_of(sandbox, held) as server:
        sync(sandbox, database)
        world.edit(slow)
        with Serving(settings_for(sandbox, database, PYRUS_URL=server.url)) as served:
            assert asked.wait(60)
            world.edit(edited)
            sent(served, about(edited))
            sent(served, about(slow))
            eventually(lambda: query(database, HINTS) == [(slow,)])
            still_running = query(database, "SELECT kind FROM pyrus.sync_runs WHERE finished_at IS NULL")
            during = query(database, STORED, edited)
            release.set()
            eventually(lambda: query(database, HINTS) == [])
        times_asked = sum(path.endswith(f"task/{slow}") for path in server.paths)

    assert still_running == [("sync",)]
    assert during[0][0] == world.register.modified[world.ordinal(edited)] // 1000
    assert times_asked == 2


def test_a_sync_waits_for_a_task_that_a_hint_is_fetching(database: Secret, query: Query) -> None:
    """Of two answers at once, the older might be stored last."""
    world = World(1, tasks=20)
    hinted, other = world.task_ids()[:2]
    listing, fetching, other_fetched = threading.Event(), threading.Event(), threading.Event()
    release_list, release_task = threading.Event(), threading.Event()
    under_way: list[int] = []
    most: list[int] = []

    def held(request: Asked) -> Reply | None:
        if "searchtasks" in request.path and not listing.is_set():
            listing.set()
            assert release_list.wait(60)
        if request.path.endswith(f"task/{other}"):
            other_fetched.set()
        if request.path.endswith(f"task/{hinted}"):
            under_way.append(hinted)
            most.append(len(under_way))
            fetching.set()
            assert release_task.wait(60)
            under_way.pop()
        return None

    with Sandbox(world) as sandbox, in_front_of(sandbox, held) as server:
        sync(sandbox, database)
        with Serving(settings_for(sandbox, database, PYRUS_URL=server.url)) as served:
            assert listing.wait(60)
            world.edit(hinted)
            world.edit(other)
            sent(served, about(hinted))
            assert fetching.wait(60)
            release_list.set()
            assert other_fetched.wait(60)
            release_task.set()
            eventually(lambda: ("sync", "ok") in query(database, RUNS)[1:])

    assert most == [1, 1]


def test_a_hint_outlives_the_process_that_took_it(database: Secret, query: Query) -> None:
    world = World(1, tasks=20)
    with Sandbox(world) as sandbox:
        sync(sandbox, database)
        edited = world.edit(world.task_ids()[0])
        world.unlist(edited)
        columns = "task_id, login, first_at, last_at, times"
        login = sandbox.options.login
        query(database, f"INSERT INTO pyrus.sync_hints ({columns}) VALUES (%s, %s, now(), now(), 1)", edited, login)
        query(database, f"INSERT INTO pyrus.sync_hints ({columns}) VALUES (%s, 'another bot', now(), now(), 1)", edited)
        with Serving(settings_for(sandbox, database)):
            eventually(lambda: query(database, HINTS) == [(edited,)])

        ((modified, _),) = query(database, STORED, edited)
        assert modified == world.register.modified[world.ordinal(edited)] // 1000


def test_a_webhook_is_answered_while_the_database_is_away_and_followed_later(
    database: Secret, query: Query, impatient: None
) -> None:
    world = World(1, tasks=20)
    ((name,),) = query(database, "SELECT current_database()")
    elsewhere = Secret(database.reveal().replace(name, "postgres"))
    with Sandbox(world) as sandbox, Serving(settings_for(sandbox, database)) as served:
        eventually(lambda: served.get("/readyz").status == 200)
        (created,) = world.create()
        query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        query(elsewhere, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
        statuses = [sent(served, about(created)).status for _ in range(2)]
        query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        with psycopg.connect(database.reveal(), autocommit=True) as connection:
            eventually(lambda: connection.execute(STORED.encode(), [created]).fetchone())

    assert statuses == [200, 200]


def test_only_stored_tasks_are_hinted_if_some_forms_are_selected(database: Secret, query: Query) -> None:
    """A new task may be in none of them; the next sync knows."""
    world = World(1, tasks=20)
    with Sandbox(world) as sandbox:
        sync(sandbox, database, PYRUS_API="v4")
        stored = world.task_ids()[0]
        with Serving(settings_for(sandbox, database, PYRUS_API="v4", PYRUS_ETL_FORMS="-1")) as served:
            eventually(lambda: ("sync", "ok") in query(database, RUNS)[1:])
            (created,) = world.create()
            world.edit(stored)
            sent(served, about(created))
            sent(served, about(stored))
            eventually(lambda: query(database, HINTS) == [])

        assert query(database, STORED, created) == []
        ((modified, _),) = query(database, STORED, stored)
        assert modified == world.register.modified[world.ordinal(stored)] // 1000


def test_bodies_that_come_at_once_do_not_fill_the_memory(database: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their signature is known only when they have come."""
    monkeypatch.setattr("pyrus_etl.serve.webhook.MOST_HELD", 1 << 20)
    with Sandbox(World(1, tasks=0)) as sandbox, Serving(settings_for(sandbox, database)) as served:
        assert sent(served, b" " * (2 << 20)).status == 503
        assert sent(served, b" " * (1 << 19)).status == 200
        assert outcomes(served)["busy"] == 1
