"""The sandbox's Paymo over HTTP, as https://github.com/paymoapp/api describes it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from pyrus_etl.sandbox import paymo
from pyrus_etl.sandbox.tasks.contents import bytes_of
from tests.sandbox.asking import Reply, as_form, as_json, ask

Json = dict[str, Any]
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


def basic(user: str, password: str = "x") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Client:
    def __init__(self, sandbox: paymo.PaymoSandbox) -> None:
        self.url = sandbox.url
        self.key = basic(sandbox.options.api_key)

    def ask(self, path: str, method: str = "GET", **more: Any) -> Reply:
        return ask(f"{self.url}/api/{path}", method, **{"Authorization": self.key, **more})

    def files(self, where: str, **more: Any) -> list[Json]:
        paging = "".join(f"&{name}={value}" for name, value in more.items())
        found: list[Json] = self.ask(f"files?where={quote(where)}{paging}").json["files"]
        return found

    def upload(self, content: bytes, name: str = "a.txt", **target: int) -> Reply:
        return self.ask("files", "POST", **as_form(content, name, field="file", **target))


@pytest.fixture
def sandbox() -> Iterator[paymo.PaymoSandbox]:
    with paymo.PaymoSandbox(paymo.World(seed=7)) as running:
        yield running


@pytest.fixture
def client(sandbox: paymo.PaymoSandbox) -> Client:
    return Client(sandbox)


def test_an_e_mail_and_password_a_key_or_a_session_log_in(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    options = sandbox.options
    me = client.url + "/api/me"
    session = client.ask("sessions", "POST", **as_json({})).json["sessions"][0]["id"]

    assert client.ask("me").json["users"][0]["email"]
    assert ask(me, Authorization=basic(options.email, options.password)).status == 200
    assert ask(me, X_Session=session).status == 200
    assert ask(me, Authorization=basic(options.email, "wrong")).status == 401
    assert ask(me).json == {"message": "Unauthorized"}
    assert client.ask("me", Accept="text/xml").status == 406


def test_the_same_seed_gives_the_same_company() -> None:
    first, again, other = paymo.World(seed=3), paymo.World(seed=3), paymo.World(seed=4)

    assert first.tables == again.tables
    assert first.contents == again.contents
    assert first.tables != other.tables


def test_files_of_a_project_include_those_of_its_tasks_discussions_and_comments(
    sandbox: paymo.PaymoSandbox, client: Client
) -> None:
    project = sandbox.world.ids("projects")[0]
    found = client.files(f"project_id={project}")
    holders = {key for file in found for key in file if key in ("task_id", "discussion_id", "comment_id")}

    assert {file["project_id"] for file in found} == {project}
    assert holders == {"task_id", "discussion_id", "comment_id"}
    task = next(file["task_id"] for file in found if "task_id" in file)
    assert client.files(f"task_id={task}") == [file for file in found if file.get("task_id") == task]
    assert sum(len(client.files(f"project_id={one}")) for one in sandbox.world.ids("projects")) == len(
        sandbox.world.ids("files")
    )


@pytest.mark.skipif(not SAMPLES.exists(), reason="needs the samples beside the checkout")
def test_a_file_has_the_properties_of_the_vendors_example(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    example = json.loads((SAMPLES / "paymo_files_list.json").read_text())["files"][1]
    task = sandbox.world.ids("tasks")[0]
    shown = client.files(f"id={sandbox.world.add_file('scheme.png', 'x', task_id=task)}")[0]

    assert set(shown) == set(example)
    assert {key: type(value) for key, value in shown.items()} == {key: type(one) for key, one in example.items()}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("id in (1, {id})", True),
        ("id not in ({id})", False),
        ("size>=3 and size<4", True),
        ('original_filename="My Plan.txt"', True),
        ("original_filename like plan", True),
        ("original_filename not like plan", False),
        ("original_filename!=x", True),
        ("updated_on>={updated}", True),
        ("updated_on>{updated}", False),
        ("updated_on<={updated} and task_id={task}", True),
    ],
)
def test_lists_are_filtered_by_conditions_with_times_in_unix_seconds(
    sandbox: paymo.PaymoSandbox, client: Client, condition: str, expected: bool
) -> None:
    task = sandbox.world.ids("tasks")[0]
    file_id = sandbox.world.add_file("My Plan.txt", "abc", task_id=task)
    updated = int(datetime.fromisoformat(sandbox.world.file(file_id)["updated_on"]).timestamp())
    found = client.files(condition.format(id=file_id, updated=updated, task=task))

    assert (file_id in [file["id"] for file in found]) is expected


def test_what_a_list_cannot_do_is_a_message(client: Client) -> None:
    assert client.ask("files?where=colour=1").json == {"message": "Unknown field or reference: colour"}
    assert client.ask("files").status == 400
    assert client.ask("projects?select=id,image_thumb_small").status == 400
    assert client.ask("projects?include=colour").status == 400
    assert client.ask("projects?page=0").status == 400
    assert client.ask("projects/1").status == 404


def test_pages_begin_at_0_and_a_short_one_is_the_last(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    where = f"project_id={sandbox.world.ids('projects')[0]}"
    everything = client.files(where)
    pages = [client.files(where, page=number, page_size=3) for number in range(len(everything) // 3 + 1)]

    assert [len(page) for page in pages[:-1]] == [3] * (len(pages) - 1)
    assert len(pages[-1]) < 3
    assert [file for page in pages for file in page] == everything


def test_related_objects_are_included_on_request(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    task = sandbox.world.ids("tasks")[0]
    file_id = sandbox.world.add_file("a.txt", "a", task_id=task)
    file = client.ask(f"files/{file_id}?include=project.name,task").json["files"][0]
    holder = client.ask(f"tasks/{task}?include=files").json["tasks"][0]
    thread = client.ask(f"threads?where=task_id={task}&include=comments").json["threads"][0]

    assert file["project"] == {"id": file["project_id"], "name": "Customer portal 1"}
    assert file["task"]["id"] == task
    assert file_id in [one["id"] for one in holder["files"]]
    comments = client.ask(f"comments?where=thread_id={thread['id']}").json["comments"]
    assert thread["comments"] == comments


def test_contents_come_from_another_host_that_refuses_the_key(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    file = client.files(f"project_id={sandbox.world.ids('projects')[0]}")[0]
    link = urlsplit(file["file"])

    assert f"http://{link.netloc}" != client.url
    assert file["original_filename"].rpartition(".")[0] not in link.path
    content = ask(file["file"])
    assert content.body == bytes_of(sandbox.world.contents[file["id"]])
    assert len(content.body) == int(file["size"])
    assert ask(file["file"], Authorization=client.key).status == 400
    assert sandbox.world.leaks == 1
    assert ask(f"http://{link.netloc}/api/me", Authorization=client.key).status == 404


def test_links_may_expire_or_need_the_key() -> None:
    with paymo.PaymoSandbox(paymo.World(), files_apart=False, login_for_links=True, link_seconds=60) as sandbox:
        client = Client(sandbox)
        link = client.files(f"project_id={sandbox.world.ids('projects')[0]}")[0]["file"]

        assert ask(link).status == 401
        assert ask(link, Authorization=client.key).status == 200
        sandbox.world.clock.advance(61)
        assert ask(link, Authorization=client.key).status == 403


def test_an_upload_with_a_target_is_attached_at_once(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    task, project = sandbox.world.ids("tasks")[0], sandbox.world.ids("projects")[0]
    content = bytes(range(256)) * 10_000
    reply = client.upload(content, "größe.bin", task_id=task)
    file = reply.json["files"][0]

    assert (reply.status, reply.headers["Location"]) == (201, f"{client.url}/api/files/{file['id']}")
    assert (file["original_filename"], file["size"]) == ("größe.bin", str(len(content)))
    assert (file["task_id"], file["project_id"]) == (task, project)
    assert "token" not in file
    assert hashlib.md5(ask(file["file"]).body).digest() == hashlib.md5(content).digest()
    assert client.upload(b"x", task_id=1).status == 404
    assert client.upload(b"x", task_id=task, project_id=project).status == 400
    assert client.ask("files", "POST", **as_json({"project_id": project})).status == 400


def test_an_upload_without_a_target_is_attached_by_its_token(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    comment = sandbox.world.ids("comments")[0]
    file = client.upload(b"later").json["files"][0]
    path, given = f"files/{file['id']}", {"token": file["token"], "comment_id": comment}

    assert "project_id" not in file
    assert client.ask(path, "PUT", **as_json(given | {"token": "wrong"})).status == 403
    attached = client.ask(path, "POST", **as_json(given))
    assert attached.json["files"][0]["comment_id"] == comment
    assert "token" not in attached.json["files"][0]
    assert client.ask(path, "PUT", **as_json(given)).status == 403, "a token is used once"


def test_only_the_name_and_the_description_of_a_file_can_be_changed(
    sandbox: paymo.PaymoSandbox, client: Client
) -> None:
    path = f"files/{sandbox.world.ids('files')[0]}"
    before = client.ask(path).json["files"][0]
    given = {"original_filename": "new.txt", "description": "latest design changes"}
    after = client.ask(path, "PUT", **as_json(given))

    assert after.status == 200
    assert after.json["files"][0] == {**before, **given, "updated_on": after.json["files"][0]["updated_on"]} | {
        "file": after.json["files"][0]["file"]
    }
    assert after.json["files"][0]["updated_on"] > before["updated_on"]
    assert client.ask(path, "PUT", **as_json({"size": 1})).status == 400
    assert client.ask(path, "PUT", body=b"{}").status == 415


def test_a_deleted_file_is_gone(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    path = f"files/{sandbox.world.ids('files')[0]}"
    link = client.ask(path).json["files"][0]["file"]

    assert client.ask(path, "DELETE").status == 200
    assert client.ask(path).status == 404
    assert client.ask(path, "DELETE").status == 404
    assert ask(link).status == 404


def test_a_used_up_quota_is_429_with_paymos_headers() -> None:
    with paymo.PaymoSandbox(paymo.World(), quota=(2, 3600)) as sandbox:
        client = Client(sandbox)
        replies = [client.ask("me") for _ in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 429]
    assert [reply.headers["X-Ratelimit-Remaining"] for reply in replies] == ["1", "0", "0"]
    assert replies[0].headers["X-Ratelimit-Limit"] == "2"
    assert replies[0].headers["X-Ratelimit-Decay-Period"] == "3600"
    assert 0 < int(replies[2].headers["Retry-After"]) <= 3600


def test_other_processes_change_the_company_and_make_requests_fail(sandbox: paymo.PaymoSandbox, client: Client) -> None:
    project = sandbox.world.ids("projects")[0]
    control = f"{client.url}/sandbox"
    added = ask(f"{control}/add-file", "POST", **as_json({"name": "n.txt", "content": "n", "project_id": project}))
    ask(f"{control}/forbid", "POST", **as_json({"project_id": project}))

    assert ask(f"{control}/state").json["result"]["files"] == len(sandbox.world.ids("files"))
    assert client.ask(f"files/{added.json['result']}").status == 403
    assert client.ask(f"files?where=project_id={project}").status == 403
    assert project in [one["id"] for one in client.ask("projects").json["projects"]]
    ask(f"{control}/permit", "POST", **as_json({"project_id": project}))
    ask(f"{control}/fail", "POST", **as_json({"kind": "limit", "endpoint": "file"}))
    assert client.ask(f"files/{added.json['result']}").status == 429
    assert client.ask(f"files/{added.json['result']}").status == 200
