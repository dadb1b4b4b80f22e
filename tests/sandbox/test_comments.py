"""Comments that an account writes by an API, and the files that it uploads for them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from pyrus_etl.extract.files.contents import name_in
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import EVERYBODY
from tests.sandbox.asking import Reply, as_form, as_json, ask

APIS = ("v3", "v4")
SECOND = "second@northlight.example"


class Client:
    """Writes to a sandbox over one API, as one of its accounts."""

    def __init__(self, sandbox: Sandbox, api: str, person: int | None = None) -> None:
        self.sandbox, self.api, self.world = sandbox, api, sandbox.world
        token = sandbox.backend.tokens.issue(person) if person else sandbox.token()
        self.token = f"Bearer {token}"

    def upload(self, content: bytes, name: str) -> Any:
        path = "/restapi/upload" if self.api == "v3" else "/v4/files/upload"
        return self.ask(path, "POST", **as_form(content, name)).json["UploadedFileId" if self.api == "v3" else "guid"]

    def comment(self, task_id: int, text: str | None = None, uploads: Any = None, **more: Any) -> Reply:
        if self.api == "v3":
            given = {"TaskId": task_id, "Text": text, "AttachmentIds": uploads, **more}
            return self.ask("/restapi/addcomment", "PUT", **as_json(given))
        given = {"text": text, "attachments": uploads, **more}
        return self.ask(f"/v4/tasks/{task_id}/comments", "POST", **as_json(given))

    def task(self, task_id: int) -> bytes:
        return self.ask(f"/restapi/v3/task/{task_id}" if self.api == "v3" else f"/v4/tasks/{task_id}").body

    def file(self, file_id: int) -> Reply:
        path = f"/services/attachment?Id={file_id}" if self.api == "v3" else f"/v4/files/download/{file_id}"
        return self.ask(path)

    def ask(self, path: str, method: str = "GET", **given: Any) -> Reply:
        return ask(self.sandbox.url + path, method, Authorization=self.token, **given)


@pytest.mark.parametrize("api", APIS)
def test_a_comment_shows_in_both_apis_with_its_files_and_moves_the_date(api: str) -> None:
    world = World(1, tasks=5)
    task_id, before = world.task_ids()[2], world.register.modified[2]
    with Sandbox(world, accounts={SECOND: EVERYBODY[1].id}) as sandbox:
        client = Client(sandbox, api, EVERYBODY[1].id)
        uploads = [client.upload(content, name) for content, name in ((b"some text", "план 1.txt"), (b"more", "b.txt"))]
        answer = client.comment(task_id, "Done", uploads)
        assert (answer.status, answer.body) == (200, client.task(task_id))
        note, comment = (
            json.loads(world.body(task_id))["TaskWithNotes"]["Notes"][-1],
            world.v4.task(task_id)["comments"][-1],
        )
        served = [client.file(file["Id"]) for file in note["Attachments"]]

    assert (
        (note["Text"], note["Author"]["Id"]) == (comment["text"], comment["author"]["id"]) == ("Done", EVERYBODY[1].id)
    )
    assert world.register.modified[2] > before
    assert [file["MD5Hash"] for file in note["Attachments"]] == [file["md5"] for file in comment["attachments"]]
    assert note["Attachments"][0]["MD5Hash"] == hashlib.md5(b"some text").hexdigest().upper()
    assert [reply.body for reply in served] == [b"some text", b"more"]
    assert [name_in(dict(reply.headers)) for reply in served] == ["план 1.txt", "b.txt"]
    assert served[1].headers["Content-Disposition"] == "attachment; filename=b.txt"


@pytest.mark.parametrize("api", APIS)
def test_an_upload_can_be_attached_once_and_is_forgotten_after_a_day(api: str) -> None:
    with Sandbox(World(1, tasks=2)) as sandbox:
        client, task_id = Client(sandbox, api), sandbox.world.task_ids()[0]
        upload, unused = client.upload(b"a", "a.txt"), client.upload(b"a", "a.txt")
        first, second = client.comment(task_id, None, [upload]), client.comment(task_id, "again", [upload])
        twice = client.comment(task_id, "twice", [unused, unused])
        sandbox.world.advance(2 * 86_400)
        client.upload(b"b", "b.txt")
        late = client.comment(task_id, "late", [unused])
        notes = json.loads(sandbox.world.body(task_id))["TaskWithNotes"]["Notes"]

    assert (first.status, second.status, twice.status, late.status) == (200, 400, 400, 400)
    assert b"nrecognized" in second.body
    assert sum("Attachments" in note and note["Attachments"][0]["Name"] == "a.txt" for note in notes) == 1


def test_api_v4_may_attach_an_upload_again_and_a_new_version_names_its_first() -> None:
    with Sandbox(World(1, tasks=2), reusable_uploads=True) as sandbox:
        client, task_id = Client(sandbox, "v4"), sandbox.world.task_ids()[0]
        guid = client.upload(b"a", "a.txt")
        client.comment(task_id, None, [guid])
        root = sandbox.world.v4.task(task_id)["comments"][-1]["attachments"][0]["id"]
        client.comment(task_id, None, [{"guid": guid, "root_id": root}])
        second = sandbox.world.v4.task(task_id)["comments"][-1]["attachments"][0]

    assert second["id"] != second["root_id"] == root


@pytest.mark.parametrize("api", APIS)
def test_a_comment_that_says_nothing_is_not_made_and_one_that_closes_moves_the_task(api: str) -> None:
    world = World(1, tasks=8)
    task_id = next(one for one in world.task_ids() if "CloseDate" not in world.task(one)["TaskWithNotes"])
    closes = {"v3": {"ActivityAction": "Complete"}, "v4": {"action": "finished"}}[api]
    with Sandbox(world) as sandbox:
        client = Client(sandbox, api)
        before = client.task(task_id)
        nothing = client.comment(task_id)
        closed = client.comment(task_id, **closes)

    assert nothing.body == before
    assert closed.status == 200
    assert "CloseDate" in world.task(task_id)["TaskWithNotes"]
    assert "close_date" in world.v4.task(task_id)
    assert world.register.closed[world.ordinal(task_id)]


@pytest.mark.parametrize("api", APIS)
def test_a_comment_is_refused_if_it_is_not_understood_or_not_allowed(api: str) -> None:
    unknown = {"v3": {"Colour": "red"}, "v4": {"colour": "red"}}[api]
    with Sandbox(World(1, tasks=3)) as sandbox:
        client, (first, second, third) = Client(sandbox, api), sandbox.world.task_ids()
        sandbox.world.revoke(second)
        sandbox.world.put(third, {"Id": third, "Text": "x", "Notes": []})
        refused = client.comment(first, "x", **unknown)
        replies = [refused, client.comment(1, "x"), client.comment(second, "x"), client.comment(third, "x")]

    assert [reply.status for reply in replies] == [400, 404 if api == "v3" else 403, 403, 403]
    assert next(iter(unknown)).encode() in refused.body


def test_the_name_of_a_file_is_sent_with_its_contents_however_it_is_written() -> None:
    names = [
        "a b.txt",
        'q"uote\\.txt',
        "счёт № 5.pdf",
        "../../etc/passwd",
        "x;y=%41.txt",
        "new\nline\0.txt",
        "CON",
        "😀" * 80,
    ]
    world = World(1, tasks=2)
    task_id = world.comment(world.task_ids()[0], files=[(name, b"x", None) for name in names])
    with Sandbox(world) as sandbox:
        client = Client(sandbox, "v4")
        files = world.v4.task(task_id)["comments"][-1]["attachments"]
        replies = [client.file(file["id"]) for file in files]

    assert [name_in(dict(reply.headers)) for reply in replies] == [file["name"] for file in files] == names
