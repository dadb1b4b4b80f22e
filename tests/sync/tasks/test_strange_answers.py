"""Answers that were changed on the way, or that use another encoding: their effect on the tables."""

import hashlib
import json
import logging
from collections.abc import Callable

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from tests.oracle import assert_tables_equal_world
from tests.runs import carried_out, sync
from tests.scripted import Asked, Reply, in_front_of, passed_on
from tests.typing import Query

DELETED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL"
ENVELOPE = b'{"ApiException": {"Code": "TaskNotFound", "Message": "There is no such task."}}'
BOM = b"\xef\xbb\xbf"

Script = Callable[[Asked], Reply | None]


def refusing(task_id: int, reply: Reply) -> Script:
    return lambda asked: reply if asked.path.endswith(f"/task/{task_id}") else None


def rewritten(sandbox: Sandbox, rewrite: Callable[[bytes], bytes], content_type: str) -> Script:
    """The sandbox's answers, with rewritten bytes."""

    def answer(asked: Asked) -> Reply:
        reply = passed_on(sandbox, asked)
        return reply._replace(body=rewrite(reply.body), headers={**reply.headers, "Content-Type": content_type})

    return answer


def assert_same_world(database: Secret, query: Query, sandbox: Sandbox, rewrite: Callable[[bytes], bytes]) -> None:
    """The tables equal the sandbox's world, and the hashes are of the served bytes."""
    for task_id, body in sandbox.world.bodies():
        hashes = [hashlib.sha256(served).hexdigest() for served in (rewrite(body), body)]
        changed = (
            "UPDATE pyrus.raw_tasks SET payload_sha256 = %s WHERE task_id = %s AND payload_sha256 = %s RETURNING 1"
        )
        assert query(database, changed, hashes[1], task_id, hashes[0]) == [(1,)]
    assert_tables_equal_world(database, sandbox.world)


FIREWALLS = [
    b"<html>Blocked</html>",
    BOM + b"<html>Blocked</html>",
    "\u200b<html>".encode(),
    "<html>Blocked</html>".encode("utf-16"),
    b"Access denied by policy 17",
    b'{"message": "Forbidden"}',
    b"{}",
    b"null",
    b'{"error": "access_denied", "error_code": "x"}',
]
REFUSALS = [ENVELOPE, BOM + ENVELOPE, ENVELOPE.decode().encode("utf-16"), b"", b"\r\n", BOM]


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.usefixtures("impatient")
def test_a_task_that_a_firewall_refuses_is_not_marked_as_deleted(database: Secret, query: Query, status: int) -> None:
    refused = census_after_refusals(database, status, FIREWALLS)

    assert query(database, DELETED) == []
    errors = dict(query(database, "SELECT task_id, error FROM pyrus.sync_errors"))
    assert errors.keys() == refused.keys()
    for error in errors.values():
        assert f"status {status} " in str(error)
        assert "firewall or proxy" in str(error)


@pytest.mark.parametrize("status", [403, 404])
def test_a_task_that_the_api_refuses_is_marked_as_deleted(database: Secret, query: Query, status: int) -> None:
    refused = census_after_refusals(database, status, REFUSALS)

    assert query(database, f"{DELETED} ORDER BY 1") == [(task_id,) for task_id in sorted(refused)]
    assert query(database, "SELECT task_id FROM pyrus.sync_errors") == []


def census_after_refusals(database: Secret, status: int, bodies: list[bytes]) -> dict[int, Reply]:
    """Takes a census after the account lost tasks; returns these tasks, each with the answer that refuses it."""
    with Sandbox(World(1, tasks=6 * len(bodies))) as sandbox:
        sync(sandbox, database)
        refused = {task: Reply(status, body) for task, body in zip(sandbox.world.task_ids(), bodies, strict=False)}
        for task_id in refused:
            sandbox.world.revoke(task_id)

        def answer(asked: Asked) -> Reply | None:
            return next((reply for task, reply in refused.items() if asked.path.endswith(f"/task/{task}")), None)

        with in_front_of(sandbox, answer) as server:
            carried_out(reconcile_plan(), sandbox, database, PYRUS_URL=server.url)
    return refused


@pytest.mark.usefixtures("impatient")
def test_a_firewall_that_refuses_every_absent_task_ends_the_census(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        sync(sandbox, database)
        for task_id in sandbox.world.task_ids()[:40]:
            sandbox.world.delete(task_id)
        blocked = Reply(403, b"Blocked.")
        with (
            in_front_of(sandbox, lambda asked: blocked if "/task/" in asked.path else None) as server,
            pytest.raises(PyrusUnreachable, match="firewall or proxy"),
        ):
            carried_out(reconcile_plan(force=True), sandbox, database, PYRUS_URL=server.url)

    assert query(database, DELETED) == []


@pytest.mark.usefixtures("impatient")
def test_contacts_blocked_by_a_firewall_are_an_error(database: Secret) -> None:
    blocked = Reply(403, b'{"message": "Forbidden"}')
    with (
        Sandbox(World(1, tasks=5)) as sandbox,
        in_front_of(sandbox, lambda asked: blocked if "contacts" in asked.path else None) as server,
        pytest.raises(PyrusUnreachable, match=r"contacts .* firewall or proxy"),
    ):
        sync(sandbox, database, PYRUS_URL=server.url)


@pytest.mark.usefixtures("impatient")
def test_a_login_blocked_by_a_firewall_is_not_a_refused_login(database: Secret) -> None:
    blocked = Reply(403, BOM + b"<html>Blocked</html>")
    with (
        Sandbox(World(1, tasks=5)) as sandbox,
        in_front_of(sandbox, lambda asked: blocked if "token" in asked.path else None) as server,
        pytest.raises(PyrusUnreachable, match="firewall or proxy"),
    ):
        sync(sandbox, database, PYRUS_URL=server.url)


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8-sig", "application/json"),
        ("utf-16", "application/json"),
        ("utf-16-be", 'application/json; charset="UTF-16BE"'),
        ("utf-32", "application/json; charset=utf-32"),
        ("utf-8", "text/plain; charset=made-up"),
    ],
)
def test_answers_can_use_any_encoding(database: Secret, query: Query, charset: str, content_type: str) -> None:
    def rewrite(body: bytes) -> bytes:
        return body.decode().encode(charset)

    with Sandbox(World(1, tasks=30)) as sandbox:
        with in_front_of(sandbox, rewritten(sandbox, rewrite, content_type)) as server:
            sync(sandbox, database, PYRUS_URL=server.url)

        assert_same_world(database, query, sandbox, rewrite)


@pytest.mark.parametrize(("charset", "declared"), [("cp1251", "windows-1251"), ("koi8-r", '"KOI8-R"')])
def test_the_declared_charset_also_applies_to_the_raw_body(
    database: Secret, query: Query, charset: str, declared: str
) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        task_id = sandbox.world.put(sandbox.world.task_ids()[0], {"Id": sandbox.world.task_ids()[0], "Text": "Тендер"})
        script = rewritten(sandbox, lambda body: _written_in(body, charset), f"application/json; charset={declared}")
        with in_front_of(sandbox, script) as server:
            result = sync(sandbox, database, PYRUS_URL=server.url)

    texts = "SELECT text, payload -> 'TaskWithNotes' ->> 'Text' FROM pyrus.tasks JOIN pyrus.raw_tasks USING (task_id)"
    assert query(database, f"{texts} WHERE task_id = %s", task_id) == [("Тендер", "Тендер")]
    assert result.counts.values_unreadable == 0


def _written_in(body: bytes, charset: str) -> bytes:
    return json.dumps(json.loads(body), ensure_ascii=False).encode(charset, "replace")


def test_bytes_that_do_not_match_their_encoding_are_counted_and_logged_once(
    database: Secret, query: Query, caplog: pytest.LogCaptureFixture
) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        for task_id in sandbox.world.task_ids()[:2]:
            body = json.dumps({"TaskWithNotes": {"Id": task_id, "Text": "Жук"}}, ensure_ascii=False)
            sandbox.world.put(task_id, body.encode("windows-1251"))
        with caplog.at_level(logging.WARNING):
            result = sync(sandbox, database)

    assert result.counts.values_unreadable == 6
    assert query(database, "SELECT count(*) FROM pyrus.tasks WHERE text = %s", "\ufffd" * 3) == [(2,)]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["6 values or characters are unreadable"]


@pytest.mark.parametrize("front", ["\ufeff", "\u200b", "\u2060\u00ad", "\ufeff\r\n"])
def test_invisible_characters_before_an_answer_do_no_harm(database: Secret, query: Query, front: str) -> None:
    """This holds for login, profile, lists, contacts and tasks."""

    def rewrite(body: bytes) -> bytes:
        return front.encode() + body

    with Sandbox(World(1, tasks=30)) as sandbox:
        with in_front_of(sandbox, rewritten(sandbox, rewrite, "application/json; charset=utf-8")) as server:
            result = sync(sandbox, database, PYRUS_URL=server.url)

        assert (result.status, result.counts.values_unreadable) == ("ok", 0)
        assert_same_world(database, query, sandbox, rewrite)
