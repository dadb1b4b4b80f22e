"""The sandbox server over HTTP: the vendor's endpoints and errors, limits, and faults on demand."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any, NamedTuple

import pytest

from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.organisation.people import STAFF
from tests.runs import program

Json = dict[str, Any]


class Reply(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["ApiException"]["Code"])


def ask(sandbox: Sandbox, path: str, given: Any = None, token: str | None = "", **headers: str) -> Reply:
    """Sends one request, with a new token by default, without one if it is None. With a body, it is a POST."""
    known = {"Authorization": f"Bearer {token or sandbox.token()}"} if token is not None else {}
    body = None if given is None else json.dumps(given).encode()
    request = urllib.request.Request(sandbox.url + path, body, known | headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Reply(refusal.code, refusal.headers, refusal.read())


def search(sandbox: Sandbox, **given: Any) -> Json:
    """Calls searchtasks, closed tasks included."""
    found: Json = ask(sandbox, "/restapi/searchtasks", {"IncludeClosedTasks": True} | given).json
    return found


def ids(found: Json) -> set[int]:
    return {task["Id"] for task in found["Tasks"]}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(seed=7, tasks=120)) as running:
        yield running


def test_a_task_is_served_as_the_world_has_it(sandbox: Sandbox) -> None:
    task_id = sandbox.world.task_ids()[11]
    reply = ask(sandbox, f"/restapi/v3/task/{task_id}", **{"Accept-Encoding": "gzip"})

    assert reply.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(reply.body) == sandbox.world.body(task_id)
    assert sandbox.requests.fetched == [task_id]


def test_only_valid_credentials_get_a_token(sandbox: Sandbox) -> None:
    options = sandbox.options
    login = {"Login": options.login, "SecurityKey": options.security_key, "ClientId": options.client_id}
    given = ask(sandbox, "/restapi/getaccesstoken", login, token=None).json["AccessToken"]

    assert ask(sandbox, "/restapi/profile", token=given).status == 200
    wrong_key = ask(sandbox, "/restapi/getaccesstoken", login | {"SecurityKey": "?"}, token=None)
    assert (wrong_key.status, wrong_key.code) == (401, "AuthorizationErrorInvalidLoginOrSecurityKey")
    wrong_client = ask(sandbox, "/restapi/getaccesstoken", login | {"ClientId": "?"}, token=None)
    assert wrong_client.code == "AuthorizationErrorInvalidClientId"
    assert sandbox.requests.logins == 3


def test_tokens_expire_and_can_be_revoked(sandbox: Sandbox) -> None:
    sandbox.reconfigure(token_seconds=3600, token_requests=2)
    old, used, revoked = sandbox.token(), sandbox.token(), sandbox.token()
    codes = [ask(sandbox, "/restapi/profile", token=used).status for _ in range(3)]
    sandbox.revoke_tokens()

    assert codes == [200, 200, 401]
    assert ask(sandbox, "/restapi/profile", token=revoked).code == "AuthorizationErrorRevokedToken"
    old = sandbox.token()
    sandbox.world.advance(3601)
    assert ask(sandbox, "/restapi/profile", token=old).code == "AuthorizationErrorExpiredToken"
    assert ask(sandbox, "/restapi/profile", token="x").code == "AuthorizationErrorInvalidToken"
    assert ask(sandbox, "/restapi/profile", token=None).code == "AuthorizationErrorTokenNotSpecified"


def test_lost_access_is_403_and_deleted_is_404(sandbox: Sandbox) -> None:
    lost, deleted, *_ = sandbox.world.task_ids()
    sandbox.world.revoke(lost)
    sandbox.world.delete(deleted)

    assert ask(sandbox, f"/restapi/v3/task/{lost}").code == "BehavioralTaskAccessViolation"
    assert ask(sandbox, f"/restapi/v3/task/{deleted}").status == 404
    assert not {lost, deleted} & ids(search(sandbox, MaximumItemsCount=1000))
    sandbox.world.grant(lost)
    assert ask(sandbox, f"/restapi/v3/task/{lost}").status == 200


def test_each_login_sees_its_own_tasks_notes_and_inbox() -> None:
    other = STAFF[2].id
    with Sandbox(
        World(seed=7, tasks=120, private_notes=True), accounts={"second@northlight.example": other}
    ) as sandbox:
        options, world = sandbox.options, sandbox.world
        login = {"Login": "second@northlight.example", "SecurityKey": options.security_key}
        answer = ask(sandbox, "/restapi/getaccesstoken", login | {"ClientId": options.client_id}, token=None)
        token = answer.json["AccessToken"]
        hidden, shown = world.hide(world.task_ids()[0], other), world.task_ids()[1]

        assert ask(sandbox, "/restapi/profile", token=token).json["Profile"]["Id"] == other
        assert ids(ask(sandbox, "/restapi/alltasks/1000", token=token).json) == set(world.task_ids()) - {hidden}
        assert ask(sandbox, f"/restapi/v3/task/{hidden}", token=token).status == 403
        assert ask(sandbox, f"/restapi/v3/task/{hidden}").status == 200
        assert ask(sandbox, f"/restapi/v3/task/{shown}", token=token).body == world.body(shown, other)
        assert world.inbox(other) != world.inbox()
        assert any(world.body(one, other) != world.body(one) for one in world.task_ids())


def test_a_task_that_lists_leave_out_can_be_fetched_by_its_id(sandbox: Sandbox) -> None:
    task_id = sandbox.world.unlist(sandbox.world.task_ids()[0])

    assert ask(sandbox, f"/restapi/v3/task/{task_id}").status == 200
    assert task_id not in ids(search(sandbox, MaximumItemsCount=1000))
    assert task_id not in ids(ask(sandbox, "/restapi/alltasks/1000").json)
    sandbox.world.relist(task_id)
    assert task_id in ids(search(sandbox, MaximumItemsCount=1000))


def test_has_more_tasks_is_set_only_if_there_are_more(sandbox: Sandbox) -> None:
    assert len(search(sandbox)["Tasks"]) == 50
    assert search(sandbox)["HasMoreTasks"] is True
    assert search(sandbox, MaximumItemsCount=119)["HasMoreTasks"] is True
    assert set(search(sandbox, MaximumItemsCount=120)) == {"Tasks"}
    assert ids(ask(sandbox, "/restapi/alltasks/120").json) == set(sandbox.world.task_ids())


def test_a_cap_applies_even_if_more_tasks_are_requested(sandbox: Sandbox) -> None:
    sandbox.reconfigure(cap=30)
    found = search(sandbox, MaximumItemsCount=1000)

    assert len(found["Tasks"]) == 30
    assert found["HasMoreTasks"] is True


def test_closed_tasks_are_listed_only_on_request(sandbox: Sandbox) -> None:
    found = search(sandbox, IncludeClosedTasks=False, MaximumItemsCount=1000)["Tasks"]

    assert found
    assert not any("CloseDate" in task for task in found)


def test_the_inbox_keeps_its_order(sandbox: Sandbox) -> None:
    found = ask(sandbox, "/restapi/inbox/1000").json["Tasks"]

    assert [task["Id"] for task in found] == sandbox.world.inbox()


def test_a_period_is_compared_with_the_last_modification_to_the_second(sandbox: Sandbox) -> None:
    task_id = sandbox.world.edit(sandbox.world.task_ids()[0], "comment")
    second = sandbox.world.clock.now() // 1000
    late, early = f"/Date({second * 1000 + 999})/", f"/Date({second * 1000})/"

    assert ids(search(sandbox, ActiveFrom=late)) == {task_id}
    assert ids(search(sandbox, ActiveFrom=early, ActiveTo=early)) == {task_id}
    assert ids(search(sandbox, ActiveFrom=f"/Date({second * 1000 + 1000})/")) == set()


def test_a_period_can_be_compared_with_any_activity(sandbox: Sandbox) -> None:
    task_id = sandbox.world.task_ids()[0]
    first = sandbox.world.task(task_id)["TaskWithNotes"]["CreateDate"]
    sandbox.world.edit(task_id, "comment")

    assert task_id not in ids(search(sandbox, ActiveFrom=first, ActiveTo=first))
    sandbox.reconfigure(period="activity")
    assert task_id in ids(search(sandbox, ActiveFrom=first, ActiveTo=first))


@pytest.mark.parametrize("days", [1, 300, 4000])
def test_a_backdated_task_is_found_by_its_date_and_by_all_its_notes(sandbox: Sandbox, days: int) -> None:
    sandbox.reconfigure(period="activity")
    world = sandbox.world
    task_id = world.edit(world.task_ids()[-1], "comment")
    world.backdate(task_id, datetime.fromtimestamp(world.clock.now() / 1000, UTC) - timedelta(days=days))
    task = world.task(task_id)["TaskWithNotes"]

    for date in (task["ModifiedDate"], *(note["CreateDate"] for note in task["Notes"])):
        assert task_id in ids(search(sandbox, ActiveFrom=date, ActiveTo=date, MaximumItemsCount=1000))


def test_a_task_with_an_override_is_found_by_all_its_notes(sandbox: Sandbox) -> None:
    sandbox.reconfigure(period="activity")
    dates = ["/Date(0)/", "/Date(9999999999000)/"]
    task_id = sandbox.world.put(7, {"Id": 7, "Notes": [{"CreateDate": date} for date in dates]})

    for date in dates:
        assert task_id in ids(search(sandbox, ActiveFrom=date, ActiveTo=date))


def test_searches_filter_by_person_project_and_text(sandbox: Sandbox) -> None:
    task = sandbox.world.task(sandbox.world.task_ids()[20])["TaskWithNotes"]
    asked = {
        "AuthorId": task["Author"]["Id"],
        "ProjectIds": [task["Projects"][0]["Id"]],
        "IncludeText": task["Text"],
    }

    assert task["Id"] in ids(search(sandbox, **asked))
    assert ids(search(sandbox, **asked | {"AuthorId": 1})) == set()
    assert ask(sandbox, "/restapi/searchtasks", {"ActiveFrom": "yesterday"}).code == "BadFormatDate"
    assert ask(sandbox, "/restapi/searchtasks", {"AuthorId": "me"}).code == "BadFormatInteger"
    assert ask(sandbox, "/restapi/inbox/many").code == "BadFormatInteger"


def test_files_have_their_declared_size_and_hash(sandbox: Sandbox) -> None:
    tasks = (sandbox.world.task(task_id)["TaskWithNotes"] for task_id in sandbox.world.task_ids())
    file = next(file for task in tasks for note in task["Notes"] for file in note.get("Attachments", []))
    assert file["DownloadUrl"].startswith(sandbox.url)
    held = ask(sandbox, file["DownloadUrl"].removeprefix(sandbox.url)).body

    assert len(held) == file["Size"]
    assert hashlib.md5(held).hexdigest().upper() == file["MD5Hash"]
    assert ask(sandbox, file["DownloadUrl"].removeprefix(sandbox.url), token="x").status == 401


def test_a_quota_is_announced_and_enforced(sandbox: Sandbox) -> None:
    sandbox.reconfigure(quota=(3, 3600))
    replies = [ask(sandbox, "/restapi/profile") for _ in range(5)]

    assert [reply.status for reply in replies] == [200] * 3 + [429] * 2
    assert replies[0].headers["X-RateLimit-Limit"] == "3"
    assert replies[-1].headers["X-RateLimit-Remaining"] == "0"
    assert replies[-1].headers["Retry-After"] == replies[-1].headers["X-RateLimit-Reset"]
    assert all(0 < int(reply.headers["X-RateLimit-Reset"]) <= 3600 for reply in replies)
    assert sandbox.overruns == 2


def test_the_date_header_is_the_clock_of_the_world(sandbox: Sandbox) -> None:
    sandbox.world.clock.skew = 90

    assert ask(sandbox, "/restapi/profile").headers["Date"] == "Mon, 02 Mar 2026 09:01:30 GMT"


def test_the_next_requests_can_be_made_to_fail(sandbox: Sandbox) -> None:
    for kind in ("error", "unavailable", "html", "limit"):
        sandbox.fail(1, kind)
    replies = [ask(sandbox, "/restapi/profile") for _ in range(5)]
    assert [reply.status for reply in replies] == [500, 503, 200, 429, 200]
    assert replies[2].body.startswith(b"<!DOCTYPE html>")

    sandbox.fail(1, "short")
    with pytest.raises(http.client.IncompleteRead):
        ask(sandbox, "/restapi/profile")
    sandbox.fail(1, "reset")
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(sandbox, "/restapi/profile")
    sandbox.down = True
    assert ask(sandbox, "/restapi/contacts").status == 503


def test_one_answer_in_eight_can_be_made_to_fail(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(every=8, kinds=("error", "html"))
    replies = [ask(sandbox, "/restapi/profile") for _ in range(32)]

    assert sum(reply.status == 500 or reply.body.startswith(b"<") for reply in replies) == 4
    assert sandbox.requests.faults == {"error": 2, "html": 2}


def test_other_processes_control_it_over_http(sandbox: Sandbox) -> None:
    created = ask(sandbox, "/sandbox/create", {"count": 3}, token=None).json["result"]
    edited = ask(sandbox, "/sandbox/edit", {"task_id": created[0]}, token=None).json["result"]
    ask(sandbox, "/sandbox/faults", {"every": 1, "kinds": ["error"]}, token=None)

    assert edited == created[0]
    assert ask(sandbox, "/sandbox/state", token=None).json["result"]["tasks"] == 123
    assert ask(sandbox, "/restapi/profile").status == 500
    assert ask(sandbox, "/sandbox/nonsense", {}, token=None).status == 404
    assert ask(sandbox, "/sandbox/edit", {}, token=None).status == 400


@pytest.mark.parametrize("option", ["--port", "--paymo"])
def test_a_port_in_use_is_a_sentence(option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = program("sandbox", "serve", "--port", "0", option, str(taken.getsockname()[1]), "--tasks", "1")

    assert process.returncode == 2
    assert f"{option}: the sandbox cannot listen" in process.stderr
    assert "choose another" in process.stderr
    assert "Traceback" not in process.stderr
