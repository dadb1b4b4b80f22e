"""Servers with odd answers: which of them end a run, and which affect only a task."""

from datetime import UTC, datetime

import pytest

from pyrus_etl.errors import PyrusEtlError, PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import reconcile, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query


def test_many_bad_tasks_do_not_stop_later_runs(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=200)) as sandbox:
        bad = {f"/restapi/v3/task/{task_id}" for task_id in sandbox.world.task_ids()[::4]}
        refusal = Reply(400, b'{"ApiException": {"Code": "BehavioralOdd", "Message": "No."}}')
        with in_front_of(sandbox, lambda asked: refusal if asked.path in bad else None) as server:
            runs = [sync(sandbox, database, PYRUS_URL=server.url) for _ in range(2)]

    assert [(run.status, run.counts.tasks_failed) for run in runs] == [("ok", 50), ("ok", 50)]
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(150,)]


def test_a_server_that_fails_for_every_task_ends_the_run(database: Secret, impatient: None) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        sandbox.fail(10_000, "error", "task")
        with pytest.raises(PyrusUnreachable, match="tasks in a row"):
            sync(sandbox, database)


@pytest.mark.parametrize("body", [b'{"ApiException": {"Code": "Odd"}}', b'{"Users": []}', b'{"Tasks": 5}'])
def test_an_answer_that_is_not_a_list_is_not_read_as_an_empty_list(
    database: Secret, query: Query, impatient: None, body: bytes
) -> None:
    def odd(asked: Asked) -> Reply | None:
        return Reply(200, body) if "search" in asked.path else None

    with (
        Sandbox(World(1, tasks=5)) as sandbox,
        in_front_of(sandbox, odd) as server,
        pytest.raises(PyrusEtlError) as error,
    ):
        sync(sandbox, database, PYRUS_URL=server.url)

    assert error.value.exit_code == 4
    assert query(database, "SELECT count(*) FROM pyrus.sync_cursors") == [(0,)]


def test_a_list_that_the_account_may_not_read_is_not_blamed_on_the_address(database: Secret, impatient: None) -> None:
    refusal = Reply(403, b'{"ApiException": {"Code": "UnspecifiedAccessDenied", "Message": "No."}}')
    with (
        Sandbox(World(1, tasks=5)) as sandbox,
        in_front_of(sandbox, lambda asked: refusal if "inbox" in asked.path else None) as server,
        pytest.raises(PyrusUnreachable, match=r"Pyrus refuses GET /restapi/inbox.*; check what this account may do\."),
    ):
        sync(sandbox, database, PYRUS_URL=server.url)


def test_an_inbox_that_pyrus_does_not_list_whole_is_a_warning(
    database: Secret, query: Query, caplog: pytest.LogCaptureFixture
) -> None:
    with Sandbox(World(1, tasks=5)) as sandbox:
        listed = Reply(200, b'{"Tasks": [{"Id": %d}], "HasMoreTasks": true}' % sandbox.world.task_ids()[0])
        with in_front_of(sandbox, lambda asked: listed if "inbox" in asked.path else None) as server:
            sync(sandbox, database, PYRUS_URL=server.url)

    assert query(database, "SELECT count(*) FROM pyrus.inbox_tasks") == [(1,)]
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert "the inbox has more tasks than the 1 that Pyrus lists" in warnings


@pytest.mark.parametrize(
    ("header", "cursor"),
    [
        ("Fri, 06 Nov 2026 08:49:37 GMT", datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Fri, 06 Nov 2026 08:49:37 -0000", datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Fri, 06 Nov 2026 10:49:37 +0200", datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("soon", None),
    ],
)
def test_the_servers_clock_is_read_in_utc_or_else_ours_is_used(
    database: Secret, query: Query, header: str, cursor: datetime | None
) -> None:
    def dated(asked: Asked) -> Reply | None:
        known = {"profile": b'{"Profile": {"Id": 1}}', "contacts": b"{}"}
        body = next((body for name, body in known.items() if name in asked.path), b'{"Tasks": []}')
        return Reply(200, body, {"Date": header})

    with Sandbox(World(1, tasks=0)) as sandbox, in_front_of(sandbox, dated) as server:
        sync(sandbox, database, PYRUS_URL=server.url, PYRUS_ACCESS_TOKEN="t")

    ((stored,),) = query(database, "SELECT cursor FROM pyrus.sync_cursors")
    assert stored == cursor if cursor else abs((stored - datetime.now(UTC)).total_seconds()) < 60


def test_errors_of_tasks_that_were_never_stored_do_not_make_a_census_doubtful(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=6)) as sandbox:
        bad = sandbox.world.task_ids()[:3]
        for task_id in bad:
            sandbox.world.put(task_id, b'{"TaskWithNotes": 5}')
        sync(sandbox, database)
        for task_id in bad:
            sandbox.world.delete(task_id)
        result = reconcile(sandbox, database)

    assert result.status == "ok"
    assert query(database, "SELECT count(*) FROM pyrus.sync_errors WHERE resolved_at IS NULL") == [(0,)]
