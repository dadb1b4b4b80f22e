"""Bad tasks: each is set aside with its reason, the others are stored, and it is retried until it succeeds."""

from collections.abc import Callable

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.runs import backfill, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

OPEN = "SELECT task_id, stage, attempts FROM pyrus.sync_errors WHERE resolved_at IS NULL"
CURSOR = "SELECT cursor FROM pyrus.sync_cursors"
ENVELOPE = b'{"ApiException": {"Code": "BehavioralTaskAccessViolation", "Message": "No access to this task."}}'
BEHAVIORAL = b'{"ApiException": {"Code": "BehavioralSomething", "Message": "It cannot be done."}}'
"""The vendor answers most "behavioral" errors with 400 (https://pyrus.com/en/help/api/errors-and-limits)."""


pytestmark = pytest.mark.usefixtures("impatient")


def on_task(task_id: int, reply: Reply) -> Callable[[Asked], Reply | None]:
    """Answers one task with `reply`; everything else is passed on."""
    return lambda asked: reply if asked.path.endswith(f"/task/{task_id}") else None


BAD = [
    (Reply(403, ENVELOPE), "fetch", "BehavioralTaskAccessViolation"),
    (Reply(404, b'{"ApiException": {"Code": "TaskNotFound"}}'), "fetch", "404"),
    (Reply(500, b"{}"), "fetch", "500"),
    *((Reply(status, BEHAVIORAL), "fetch", "BehavioralSomething") for status in (400, 409, 410, 423, 451)),
    (Reply(200, b"<html>down for maintenance</html>"), "decode", "HTML"),
    (Reply(200, b""), "decode", "JSON"),
    (Reply(200, b'{"TaskWithNotes": {"Id": 1, "Text": "cut'), "decode", "JSON"),
    (Reply(200, b"\x00\xff\xfe"), "decode", "JSON"),
    (Reply(200, b"null"), "decode", ""),
    (Reply(200, b"[1, 2]"), "decode", ""),
    (Reply(200, b'{"Tasks": []}'), "decode", "TaskWithNotes"),
    (Reply(200, b'{"TaskWithNotes": {"Id": 5}}'), "decode", "task 5"),
    (Reply(200, b'{"TaskWithNotes": {"Text": "no id"}}'), "decode", ""),
    (Reply(200, b'{"TaskWithNotes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "decode", ""),
]
"""An answer that makes its task a bad one, the stage that it fails in, and a part of the reason."""


def test_bad_tasks_are_set_aside_the_others_are_stored_and_they_follow_once_they_are_fixed(
    database: Secret, query: Query
) -> None:
    with Sandbox(World(3, tasks=3 * len(BAD))) as sandbox:
        bad = dict(zip(sandbox.world.task_ids()[1::3], BAD, strict=True))

        def answer(asked: Asked) -> Reply | None:
            return next((reply for task, (reply, *_) in bad.items() if asked.path.endswith(f"/task/{task}")), None)

        with in_front_of(sandbox, answer) as server:
            first = sync(sandbox, database, PYRUS_URL=server.url)
            again = sync(sandbox, database, PYRUS_URL=server.url)

        assert (first.status, first.counts.tasks_failed, first.counts.tasks_changed) == ("ok", len(bad), 2 * len(bad))
        assert again.counts.tasks_failed == len(bad)
        assert query(database, f"{OPEN} ORDER BY 1") == [
            (task, stage, 2) for task, (_, stage, _) in sorted(bad.items())
        ]
        for task, error in query(database, "SELECT task_id, error FROM pyrus.sync_errors"):
            assert str(task) in str(error)
            assert bad[int(str(task))][2] in str(error)
        assert_tables_equal_world(database, sandbox.world, set_aside=list(bad), lived=True)

        fixed = sync(sandbox, database)

        assert (fixed.counts.tasks_failed, fixed.counts.tasks_changed) == (0, len(bad))
        assert query(database, OPEN) == []
        assert_tables_equal_world(database, sandbox.world)


def test_the_body_that_could_not_be_read_is_kept(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=5)) as sandbox:
        bad = sandbox.world.put(sandbox.world.task_ids()[0], b'{"strange": "\x00\\u0000 \xff"}')
        sync(sandbox, database)

    ((payload,),) = query(database, "SELECT payload FROM pyrus.sync_errors WHERE task_id = %s", bad)
    assert payload.startswith('{"strange": ')


def test_a_bad_task_does_not_hold_the_cursor(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=12)) as sandbox:
        sync(sandbox, database)
        before = query(database, CURSOR)
        sandbox.world.advance(600)
        sandbox.world.put(77, b"no json")
        sync(sandbox, database)

        assert query(database, CURSOR) > before
        sandbox.world.advance(86400 * 30)
        sandbox.world.put(77, {"Id": 77, "Text": "fixed"}, modified=None)
        sync(sandbox, database)

    assert query(database, OPEN) == []


def test_a_stored_task_that_cannot_be_read_any_more_keeps_its_rows(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=5)) as sandbox:
        bad = sandbox.world.task_ids()[2]
        sync(sandbox, database)
        before = query(database, "SELECT payload_sha256 FROM pyrus.raw_tasks WHERE task_id = %s", bad)
        sandbox.world.put(bad, b"not any more")
        sync(sandbox, database)

    assert query(database, "SELECT payload_sha256 FROM pyrus.raw_tasks WHERE task_id = %s", bad) == before
    assert query(database, OPEN) == [(bad, "decode", 1)]


@pytest.mark.parametrize("kind", ["error", "unavailable", "reset", "short", "html"])
def test_everything_is_stored_even_if_one_answer_in_eight_is_faulty(
    database: Secret, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each faulty answer is asked for again; if a list fails twice, fewer tasks are asked for instead."""
    caplog.set_level("DEBUG", "pyrus_etl.extract.sizes")
    with Sandbox(World(3, tasks=150), cap=50) as sandbox:
        sandbox.faults = Faults(seed=3, **{kind: 1 / 8})  # type: ignore[arg-type] # mypy does not see that it is a share
        result = backfill(sandbox, database)

        assert (result.counts.tasks_changed, result.counts.tasks_failed) == (150, 0)
        asked_for_fewer = sum(record.name == "pyrus_etl.extract.sizes" for record in caplog.records)
        assert sandbox.requests.faults[kind] == result.counts.retries + asked_for_fewer
        assert result.counts.retries > 10
        assert result.counts.requests == sandbox.requests.total
        assert_tables_equal_world(database, sandbox.world)


def test_a_server_that_goes_down_ends_the_run_and_stored_tasks_are_kept(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=300), cap=100) as sandbox:

        def down_after_a_while(asked: Asked) -> None:
            sandbox.down = sandbox.down or len(sandbox.requests.fetched) >= 120

        with in_front_of(sandbox, down_after_a_while) as server, pytest.raises(PyrusUnreachable):
            backfill(sandbox, database, PYRUS_URL=server.url)
        ((stored,),) = query(database, "SELECT count(*) FROM pyrus.tasks")
        assert stored >= 100
        assert query(database, "SELECT status FROM pyrus.sync_runs") == [("failed",)]
        assert query(database, "SELECT * FROM pyrus.sync_cursors") == []
        assert query(database, OPEN) == []

        sandbox.down = False
        sandbox.requests.clear()
        backfill(sandbox, database)

        assert len(sandbox.requests.fetched) == 300 - stored
        assert_tables_equal_world(database, sandbox.world)


INVALID_LISTS = [
    b"null",
    b"[]",
    b'{"Tasks": 5}',
    b'{"Tasks": {"Id": 5}}',
    b'{"Tasks": [{"Id": "x"}]}',
    b'{"Tasks": [{"Text": "no id"}]}',
    b'{"Tasks": [], "HasMoreTasks": "yes"}',
]


@pytest.mark.parametrize("path", ["searchtasks", "inbox"])
def test_an_invalid_list_ends_the_run_and_is_not_read_as_an_empty_list(
    database: Secret, query: Query, path: str
) -> None:
    with Sandbox(World(3, tasks=12)) as sandbox:
        sync(sandbox, database)
        before = query(database, CURSOR)
        sandbox.world.live(3600, changes=5)
        for body in INVALID_LISTS:
            broken = Reply(200, body)
            with (
                in_front_of(sandbox, lambda asked: broken if f"/restapi/{path}" in asked.path else None) as server,  # noqa: B023
                pytest.raises(PyrusUnreachable, match=path),
            ):
                sync(sandbox, database, PYRUS_URL=server.url)
            assert query(database, CURSOR) == before, body

        sync(sandbox, database)

        assert_tables_equal_world(database, sandbox.world, lived=True)


@pytest.mark.parametrize("date", [b'"yesterday"', b"5", b"null", b'{"a": 1}', b'"/Date(999999999999999999999)/"'])
def test_a_task_with_an_unreadable_listed_date_is_fetched(database: Secret, date: bytes) -> None:
    with Sandbox(World(3, tasks=12)) as sandbox:
        task_id = sandbox.world.task_ids()[5]
        row = b'{"Tasks": [{"Id": %d, "ModifiedDate": %s}]}' % (task_id, date)

        def strange_date(asked: Asked) -> Reply | None:
            return Reply(200, row) if asked.path.endswith("searchtasks") else None

        backfill(sandbox, database)
        sandbox.requests.clear()
        with in_front_of(sandbox, strange_date) as server:
            sync(sandbox, database, PYRUS_URL=server.url)

        assert sandbox.requests.fetched == [task_id]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"Tasks": null}', b'{"Tasks": [], "HasMoreTasks": null}', b'{"Tasks": [null]}']
)
def test_a_list_without_its_empty_properties_is_an_empty_list(database: Secret, body: bytes) -> None:
    with Sandbox(World(3, tasks=12)) as sandbox:
        sync(sandbox, database)
        empty = Reply(200, body)
        with in_front_of(sandbox, lambda asked: empty if asked.path.endswith("searchtasks") else None) as server:
            result = sync(sandbox, database, PYRUS_URL=server.url)

    assert result.status == "ok"


def test_an_oversized_answer_affects_only_its_task(
    database: Secret, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrus_etl.client.network.transport.LARGEST_BODY", 1 << 20)
    with Sandbox(World(3, tasks=12)) as sandbox:
        bad = sandbox.world.put(77, {"Id": 77, "Notes": [{"Text": "x" * (2 << 20)}]})
        result = sync(sandbox, database)

    assert (result.counts.tasks_failed, result.counts.tasks_changed) == (1, 12)
    assert query(database, OPEN) == [(bad, "fetch", 1)]
