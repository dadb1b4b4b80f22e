"""The sandbox's ONLYOFFICE over HTTP, as https://api.onlyoffice.com/workspace describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pyrus_etl.sandbox import onlyoffice
from pyrus_etl.sandbox.tasks.contents import bytes_of
from tests.sandbox.asking import Reply, as_form, as_json, ask

Json = dict[str, Any]
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
SEVEN_DIGITS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")


class Client:
    def __init__(self, portal: onlyoffice.OnlyofficeSandbox) -> None:
        self.url = portal.url
        self.token = portal.options.token

    def ask(self, path: str, method: str = "GET", **more: Any) -> Reply:
        given = {"Authorization": self.token, "Accept": "application/json"} | more
        return ask(f"{self.url}/api/2.0/{path}", method, **given)

    def get(self, path: str) -> Any:
        return self.ask(path).json["response"]

    def upload(self, folder: int, title: str, content: bytes = b"x", **more: Any) -> Reply:
        return self.ask(f"files/{folder}/upload", "POST", **as_form(content, title, **more))


@pytest.fixture
def portal() -> Iterator[onlyoffice.OnlyofficeSandbox]:
    with onlyoffice.OnlyofficeSandbox(onlyoffice.World(seed=7)) as running:
        yield running


@pytest.fixture
def client(portal: onlyoffice.OnlyofficeSandbox) -> Client:
    return Client(portal)


def root(portal: onlyoffice.OnlyofficeSandbox) -> int:
    return int(next(iter(portal.world.tables["projects"].values()))["projectFolder"])


def a_file_of_a_task(portal: onlyoffice.OnlyofficeSandbox) -> tuple[int, int]:
    task = portal.world.ids("tasks")[0]
    file_id = portal.world.add_file(root(portal), "plan.txt", "the plan")
    portal.world.attach("tasks", task, [file_id])
    return task, int(file_id)


def test_a_login_answers_201_with_a_token_that_expires(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    right = {"userName": portal.options.user, "password": portal.options.password}
    login = client.ask("authentication.json", "POST", Authorization="", **as_json(right))
    token = login.json["response"]["token"]

    assert (login.status, login.json["statusCode"]) == (201, 201)
    assert SEVEN_DIGITS.fullmatch(login.json["response"]["expires"])
    assert client.ask("people/@self", Authorization=token).status == 200
    assert client.ask("people/@self", Authorization=f"Bearer {token}").status == 401
    refused = client.ask("authentication.json", "POST", **as_json(right | {"password": "?"}))
    assert (refused.status, refused.json["status"]) == (401, 1)
    portal.world.clock.advance(366 * 24 * 3600)
    assert client.ask("people/@self", Authorization=token).status == 401


def test_two_factors_need_a_second_call() -> None:
    with onlyoffice.OnlyofficeSandbox(onlyoffice.World(), two_factor="123456") as portal:
        client = Client(portal)
        right = as_json({"username": portal.options.user, "password": portal.options.password})

        assert client.ask("authentication", "POST", **right).json["response"]["tfa"] is True
        assert "token" in client.ask("authentication/123456", "POST", **right).json["response"]


def test_answers_are_xml_unless_json_is_asked_for(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    task, _ = a_file_of_a_task(portal)
    xml = client.ask(f"project/task/{task}/files", Accept="*/*")

    assert xml.headers["Content-Type"].startswith("text/xml")
    assert "<title>plan.txt</title>" in xml.body.decode()
    assert client.ask(f"project/task/{task}/files.json", Accept="*/*").json["count"] > 0
    assert client.ask("project/task/1/files", Accept="*/*").body.startswith(b"<?xml")


@pytest.mark.skipif(not SAMPLES.exists(), reason="needs the samples beside the checkout")
@pytest.mark.parametrize("names", ["camel", "pascal", "mixed"])
def test_names_are_in_camel_case_or_pascal_case(names: str) -> None:
    example = json.loads((SAMPLES / "onlyoffice_task_files_doc2020.json").read_text())
    with onlyoffice.OnlyofficeSandbox(onlyoffice.World(), names=names) as portal:
        client = Client(portal)
        task, _ = a_file_of_a_task(portal)
        shown = client.ask(f"project/task/{task}/files").json
    inside = shown["Response" if names == "pascal" else "response"][-1]

    assert ("Count" in shown, "count" in shown) == (names == "pascal", names != "pascal")
    if names == "camel":
        inside = {key[0].upper() + key[1:]: value for key, value in inside.items()}
    assert set(inside) >= set(example["response"][0]) - {"ProviderItem", "ProviderKey", "ProviderId", "Encrypted",
                                                         "RootFolderType"}  # fmt: skip
    assert SEVEN_DIGITS.fullmatch(inside["Created"])


def test_every_list_is_cut_and_says_where_it_goes_on() -> None:
    with onlyoffice.OnlyofficeSandbox(onlyoffice.World(tasks=9), items_per_page=4) as portal:
        client = Client(portal)
        project = portal.world.ids("projects")[0]
        path = f"project/task/filter?projectid={project}"
        first, last = client.ask(path + "&Count=100").json, client.ask(path + "&StartIndex=8").json

    assert (first["count"], first["startIndex"], first["nextIndex"], first["total"]) == (4, 0, 4, 9)
    assert (last["count"], last["startIndex"], last["total"]) == (1, 8, 9)
    assert "nextIndex" not in last


def test_tasks_are_listed_in_all_states_unless_one_is_asked_for(client: Client) -> None:
    everything = client.get("project/task/filter")
    opened, closed = client.get("project/task/filter?status=open"), client.get("project/task/filter?status=closed")

    assert {task["status"] for task in everything} == {1, 2}
    assert len(opened) + len(closed) == len(everything)
    assert client.get(f"project/task/filter?lastId={everything[3]['id']}") == everything[4:]


def test_folders_page_by_themselves_and_are_not_recursive(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    folder = client.get(f"files/{root(portal)}")
    rest = client.get(f"files/{root(portal)}?startIndex=1&count=2")
    inner = client.get(f"files/{folder['folders'][0]['id']}")

    assert folder["total"] == len(folder["folders"]) + len(folder["files"])
    assert (rest["startIndex"], rest["count"], rest["folders"]) == (1, 2, [])
    assert rest["files"] == folder["files"][:2]
    assert [file["title"] for file in inner["files"]] == ["draft.docx"]
    assert any(isinstance(file["id"], str) for file in folder["files"]), "a file of a connected cloud"


def test_an_upload_is_attached_by_a_second_request(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    task = portal.world.ids("tasks")[0]
    before = client.get(f"project/task/{task}/files")
    upload = client.upload(root(portal), "scheme.png", b"0123456789")
    file = upload.json["response"]

    assert (upload.status, file["pureContentLength"]) == (201, 10)
    assert client.get(f"project/task/{task}/files") == before
    attached = client.ask(f"project/task/{task}/files", "POST", **as_json({"files": [file["id"]]}))
    assert (attached.status, attached.json["response"]["id"]) == (200, task)
    assert client.get(f"project/task/{task}/files") == [*before, file]
    assert client.get(f"project/{task}/entityfiles?entityType=Task") == [*before, file]
    assert file in client.get(f"project/task/{task}")["files"]
    assert client.ask(f"project/task/{task}/files", "POST", **as_json({"files": [1]})).status == 404


def test_a_detached_file_stays_in_its_folder(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    task, file_id = a_file_of_a_task(portal)
    reply = client.ask(f"project/task/{task}/files?fileid={file_id}", "DELETE")

    assert reply.status == 200
    assert file_id not in [file["id"] for file in client.get(f"project/task/{task}/files")]
    assert client.ask(f"files/file/{file_id}").status == 200


def test_upload_and_attach_in_one_request(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    message = portal.world.ids("messages")[0]
    path = f"project/{message}/entityfiles/upload?entityType=Message&folderid={root(portal)}"
    file = client.ask(path, "POST", **as_form(b"abc", "note.txt")).json["response"]

    assert file["id"] in [one["id"] for one in client.get(f"project/message/{message}/files")]


def test_the_same_title_is_a_new_version_unless_a_new_file_is_asked_for(
    portal: onlyoffice.OnlyofficeSandbox, client: Client
) -> None:
    folder = root(portal)
    first = client.upload(folder, "Plan.txt", b"1").json["response"]
    second = client.upload(folder, "plan.txt", b"22").json["response"]
    third = client.upload(folder, "plan.txt", b"333", createNewIfExist="true").json["response"]
    insert = f"files/{folder}/insert?title=raw.txt&createNewIfExist=true"
    raw = client.ask(insert, "POST", body=b"4444").json["response"]

    assert (first["id"], first["version"]) == (second["id"], 1)
    assert (second["version"], second["pureContentLength"]) == (2, 2)
    assert third["id"] != second["id"]
    assert third["title"] == "plan (1).txt"
    assert (raw["title"], raw["pureContentLength"]) == ("raw.txt", 4)


def test_a_title_comes_back_cleaned_and_an_empty_file_not_at_all(
    portal: onlyoffice.OnlyofficeSandbox, client: Client
) -> None:
    folder = root(portal)
    shown = client.upload(folder, "a:b*c 🎉.txt").json["response"]["title"]
    long = client.upload(folder, "x" * 300 + ".txt").json["response"]["title"]

    assert shown == "a_b_c __.txt"
    assert (len(long), long[-4:]) == (170, ".txt")
    assert client.upload(folder, "empty.txt", b"").status == 400
    assert client.upload(folder, "tool.exe").status == 403


def test_contents_come_by_a_redirect_to_a_store_that_refuses_the_token(
    portal: onlyoffice.OnlyofficeSandbox, client: Client
) -> None:
    _, file_id = a_file_of_a_task(portal)
    file = client.get(f"files/file/{file_id}")
    redirect = ask(file["viewUrl"], Authorization=client.token)
    place = redirect.headers["Location"]

    assert ask(file["viewUrl"]).status == 401
    assert redirect.status == 302
    assert f"http://{urlsplit(place).netloc}" != client.url
    assert ask(place).body == b"the plan" == bytes_of(portal.world.versions[file_id][-1])
    assert ask(place, Authorization=client.token).status == 400
    assert portal.world.leaks == 1
    assert ask(client.get(f"files/file/{file_id}/presigneduri")).status == 302
    assert ask(file["webUrl"]).body.startswith(b"<!DOCTYPE html>")


def test_a_deletion_is_an_operation_that_is_waited_for(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    task, file_id = a_file_of_a_task(portal)
    begun = client.ask(f"files/file/{file_id}", "DELETE", **as_json({"immediately": True})).json["response"]
    polls = [client.get("files/fileops") for _ in range(3)]

    assert begun[0]["finished"] is False
    assert [[one["finished"] for one in poll] for poll in polls] == [[False], [True], []]
    assert client.ask(f"files/file/{file_id}").status == 404
    assert file_id not in [file["id"] for file in client.get(f"project/task/{task}/files")]


def test_a_file_is_renamed(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    _, file_id = a_file_of_a_task(portal)
    renamed = client.ask(f"files/file/{file_id}", "PUT", **as_json({"title": "new.txt"}))

    assert (renamed.status, renamed.json["response"]["title"]) == (200, "new.txt")


def test_a_used_up_quota_is_503_with_retry_after_and_nothing_says_so_before() -> None:
    with onlyoffice.OnlyofficeSandbox(onlyoffice.World(), quota=(1, 3600)) as portal:
        client = Client(portal)
        first, second = client.ask("people/@self"), client.ask("people/@self")

    assert (first.status, second.status) == (200, 503)
    assert not [name for name in first.headers if "limit" in name.lower()]
    assert 0 < int(second.headers["Retry-After"]) <= 3600
    assert b"<html>" in second.body


def test_other_processes_change_the_portal(portal: onlyoffice.OnlyofficeSandbox, client: Client) -> None:
    project = portal.world.ids("projects")[0]
    task = next(one["id"] for one in portal.world.tables["tasks"].values() if one["projectId"] == project)
    ask(f"{client.url}/sandbox/forbid", "POST", **as_json({"project_id": project}))

    assert client.ask(f"project/{project}").status == 403
    assert client.ask(f"project/task/{task}/files").status == 403
    assert project in [one["id"] for one in client.get("project")]
    assert ask(f"{client.url}/sandbox/state").json["result"]["tasks"] == len(portal.world.ids("tasks"))
