"""Files of Pyrus: those of a task, their contents, and uploads that a comment attaches, over both APIs."""

import hashlib
import json
from typing import Any

import msgspec
import pytest

from pyrus_etl.errors import AnswerLost, FileRefused, LoginRefused
from pyrus_etl.extract.files.contents import name_in
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.files.uploads import uploaded
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import parse_place
from pyrus_etl.sandbox import Sandbox, World
from tests.extract.services import asked, contents, listed, read
from tests.scripted import Asked, Reply, Script, scripted

pytestmark = pytest.mark.usefixtures("impatient")

APIS = ("v3", "v4")


def environment(url: str, api: str) -> dict[str, str]:
    return {"PYRUS_URL": url, "PYRUS_API": api, "PYRUS_ACCESS_TOKEN": "canary"}


def account(sandbox: Sandbox, api: str) -> dict[str, str]:
    options = sandbox.options
    given = {"PYRUS_LOGIN": options.login, "PYRUS_SECURITY_KEY": options.security_key, "PYRUS_API": api}
    return given | {"PYRUS_URL": sandbox.url, "PYRUS_CLIENT_ID": options.client_id}


def files_in(tree: Any) -> dict[int, str]:
    """Id and MD5 of everything in a body that looks like a file."""
    if isinstance(tree, dict):
        own = {tree["Id"]: tree["MD5Hash"].lower()} if "MD5Hash" in tree else {}
        return own | {key: value for each in tree.values() for key, value in files_in(each).items()}
    return {key: value for each in tree for key, value in files_in(each).items()} if isinstance(tree, list) else {}


@pytest.mark.parametrize("api", APIS)
def test_the_files_of_a_task_are_those_in_its_body_and_have_their_contents(api: str) -> None:
    world = World(1, tasks=60)
    bodies = {task_id: files_in(json.loads(body)) for task_id, body in world.bodies()}
    task_id, expected = max(bodies.items(), key=lambda each: len(each[1]))
    assert len(expected) > 1

    async def live(service: FileService) -> dict[int, str]:
        found = await listed(service, f"pyrus:task/{task_id}")
        assert {file.task_id for file in found} == {str(task_id)}
        some = found[0]
        content = await read(service, some)
        assert (len(content), hashlib.md5(content).hexdigest()) == (some.size_bytes, some.md5)
        described = await service.get(some.file_id)
        assert (described.name, described.size_bytes) == (some.name, len(content))
        with pytest.raises(FileRefused, match="attachment 5"):
            await service.get("5")
        return {int(file.file_id): str(file.md5) for file in found}

    with Sandbox(world) as sandbox:
        assert asked("pyrus", account(sandbox, api), live) == expected


@pytest.mark.parametrize("api", APIS)
def test_an_upload_without_a_task_has_the_id_that_its_api_gives(api: str) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        file: ServiceFile = asked("pyrus", account(sandbox, api), put("pyrus:"))

    assert file.file_id == (file.guid if api == "v4" else file.uploaded_file_id) != ""
    assert (file.name, file.size_bytes, file.md5) == ("a.txt", 9, hashlib.md5(b"some text").hexdigest())


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", ["a.txt", "счёт № 5%41;.pdf"])
def test_an_upload_to_a_task_is_a_file_of_it(api: str, name: str) -> None:
    world = World(1, tasks=1)
    place = parse_place(f"pyrus:task/{world.task_ids()[0]}")

    async def live(service: FileService) -> tuple[ServiceFile, list[ServiceFile], bytes]:
        file = await uploaded(service, contents(name, b"some text"), place, 0)
        return file, await listed(service, place), await read(service, file)

    with Sandbox(world) as sandbox:
        file, there, content = asked("pyrus", account(sandbox, api), live)

    assert (file.name, file.task_id, content) == (name, place.place_id, b"some text")
    assert file.file_id in {each.file_id for each in there}


def test_contents_are_asked_for_at_the_address_of_files_that_the_login_names() -> None:
    world = World(1, tasks=60)
    task_id = max(world.bodies(), key=lambda each: len(files_in(json.loads(each[1]))))[0]

    async def live(service: FileService) -> bytes:
        return await read(service, (await listed(service, f"pyrus:task/{task_id}"))[0])

    with Sandbox(world, files_apart=True) as sandbox:
        assert asked("pyrus", account(sandbox, "v4"), live)


def test_an_upload_to_pyrus_whose_bytes_arrive_changed_is_sent_again() -> None:
    right = hashlib.md5(b"some text").hexdigest().upper()
    answers = [{"guid": "first-of-two", "md5_hash": "0" * 32}, {"guid": "second-of-two", "md5_hash": right}]
    with scripted(lambda _: Reply(200, json.dumps(answers.pop(0)).encode())) as server:
        file = asked("pyrus", environment(server.url, "v4"), put("pyrus:"))

    assert (file.guid, file.md5, file.size_bytes) == ("second-of-two", right.lower(), 9)


def test_bytes_that_keep_arriving_changed_are_an_error() -> None:
    with (
        scripted(lambda _: Reply(200, b'{"guid": "g", "md5_hash": "ff"}')) as server,
        pytest.raises(FileRefused, match="keeps receiving other bytes"),
    ):
        asked("pyrus", environment(server.url, "v4"), put("pyrus:"))


def put(place: str) -> Any:
    return lambda service: uploaded(service, contents("a.txt", b"some text"), parse_place(place), 0)


class Board:
    """A Pyrus with one task, to which comments add files; `lost`: how many answers to comments are 502."""

    def __init__(self, api: str, lost: int, applies: bool) -> None:
        self.api, self.lost, self.applies = api, lost, applies
        self.files: list[dict[str, Any]] = [{"id": 5, "name": "a.txt", "size": 9}]
        self.uploads: dict[str, bytes] = {}
        self.comments: list[Any] = []

    def script(self, asked: Asked) -> Reply:
        if asked.path.endswith("/upload"):
            self.uploads[name := f"upload-number-{len(self.uploads)}"] = asked.body
            return reply({"guid": name} if self.api == "v4" else {"UploadedFileId": name})
        if asked.method in ("POST", "PUT"):
            return self.comment(json.loads(asked.body))
        return self.task()

    def comment(self, body: dict[str, Any]) -> Reply:
        self.comments.append(body)
        if not self.lost or self.applies:
            for name in body.get("attachments") or body["AttachmentIds"]:
                assert name in self.uploads
                self.files.append({"id": 6 + len(self.files), "name": "a.txt", "size": 9})
        if self.lost:
            self.lost -= 1
            return Reply(502, b"<html>bad gateway</html>")
        return self.task()

    def task(self) -> Reply:
        if self.api == "v4":
            return reply({"task": {"id": 7, "attachments": self.files}})
        files = [{key.title(): value for key, value in file.items()} for file in self.files]
        return reply({"TaskWithNotes": {"Id": 7, "Notes": [{"Attachments": files}]}})


def reply(value: Any) -> Reply:
    return Reply(200, msgspec.json.encode(value))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("lost", "applies"), [(0, True), (1, True), (1, False)])
def test_a_comment_attaches_an_upload_once_even_if_its_answer_is_lost(api: str, lost: int, applies: bool) -> None:
    board = Board(api, lost, applies)
    with scripted(board.script) as server:
        file: ServiceFile = asked("pyrus", environment(server.url, api), put("pyrus:task/7"))

    assert (file.file_id, file.task_id, file.name) == ("7", "7", "a.txt")
    assert (file.guid if api == "v4" else file.uploaded_file_id) == "upload-number-0"
    assert len(board.files) == 2
    expected = {
        "v4": {"attachments": ["upload-number-0"], "skip_auto_reopen": True},
        "v3": {"TaskId": 7, "AttachmentIds": ["upload-number-0"]},
    }
    assert board.comments == [expected[api]] * (1 if applies else 2)


@pytest.mark.parametrize("api", APIS)
def test_a_comment_whose_answers_are_all_lost_is_sent_five_times_at_most(api: str) -> None:
    board = Board(api, 1000, applies=False)
    with scripted(board.script) as server, pytest.raises(AnswerLost, match="look whether it was done"):
        asked("pyrus", environment(server.url, api), put("pyrus:task/7"))

    assert (len(board.comments), len(board.uploads)) == (5, 1)


@pytest.mark.parametrize("api", APIS)
def test_a_comment_that_pyrus_took_is_never_sent_again_even_if_its_file_is_not_shown(api: str) -> None:
    board, empty = Board(api, 0, True), Board(api, 0, True)
    with (
        scripted(lambda each: empty.task() if each.method == "GET" else board.script(each)) as server,
        pytest.raises(AnswerLost, match="Pyrus does not show upload upload-number-0"),
    ):
        asked("pyrus", environment(server.url, api), put("pyrus:task/7"))

    assert len(board.comments) == 1


@pytest.mark.parametrize("api", APIS)
def test_a_refused_upload_is_a_sentence_with_pyrus_code(api: str) -> None:
    body = {"v3": {"ApiException": {"Code": "BehavioralMaxContentLengthExceeded", "Message": "5 MB"}}}
    body["v4"] = {"error_code": "attachment_too_big", "error": "too big"}  # type: ignore[dict-item]
    answers: Script = lambda _: Reply(403, json.dumps(body[api]).encode())  # noqa: E731
    with scripted(answers) as server, pytest.raises(FileRefused, match="refuses the upload of") as raised:
        asked("pyrus", environment(server.url, api), put("pyrus:"))

    assert raised.value.code in ("BehavioralMaxContentLengthExceeded", "attachment_too_big")


@pytest.mark.parametrize("api", APIS)
def test_an_id_that_pyrus_does_not_recognize_is_unknown(api: str) -> None:
    body = {"v3": {"ApiException": {"Code": "BehavioralUnrecognizedAttachmentId", "Message": "?"}}}
    body["v4"] = {"error_code": "unrecognized_attachment_id", "error": "?"}  # type: ignore[dict-item]
    answers: Script = lambda _: Reply(400, json.dumps(body[api]).encode())  # noqa: E731
    with (
        scripted(answers) as server,
        pytest.raises(FileRefused, match=r"Pyrus does not know attachment 123 \(400 .*\); check its id"),
    ):
        asked("pyrus", environment(server.url, api), lambda service: service.get("123"))


def test_a_refused_token_is_a_refused_login() -> None:
    with scripted(lambda _: Reply(401)) as server, pytest.raises(LoginRefused):
        asked("pyrus", environment(server.url, "v4"), put("pyrus:"))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=test.txt", "test.txt"),
        ('attachment; filename="a \\"b\\".txt"', 'a "b".txt'),
        ("attachment; filename=\"x.txt\"; filename*=UTF-8''%D0%A1%D1%87%D1%91%D1%82.txt", "Счёт.txt"),
        ('attachment; filename="Счёт.txt"', "Счёт.txt"),
        ("attachment; filename=\"a.txt\"; filename*=UTF-8''%FF.txt", "a.txt"),
        ("attachment", None),
        ("", None),
    ],
)
def test_the_name_of_contents_is_in_their_header(header: str, name: str | None) -> None:
    assert name_in({"Content-Disposition": header}) == name
