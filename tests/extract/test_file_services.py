"""The file services over real HTTP: what the vendors' pages show is read whole, and a lost answer doubles nothing."""

import asyncio
import base64
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from pyrus_etl.client.network.file import Download
from pyrus_etl.errors import AnswerLost, BodyCut, FileRefused, LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.files.refusals import settled
from pyrus_etl.extract.files.services import client_for
from pyrus_etl.extract.files.uploads import uploaded
from pyrus_etl.extract.onlyoffice.read import cleaned
from pyrus_etl.extract.paymo.lists import where
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import parse_place
from pyrus_etl.sandbox import onlyoffice, paymo
from pyrus_etl.sandbox.limits.faults import Fault
from pyrus_etl.settings import Secret, load_settings
from tests.extract.services import asked, contents, listed, onlyoffice_environment, paymo_environment, read
from tests.scripted import Asked, Reply, Scripted, passed_on, scripted

pytestmark = pytest.mark.usefixtures("impatient")

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="needs the samples beside the checkout")
NAME, CONTENT = "Отчёт 😀: 100%?.txt", b"some text"


class Stand(NamedTuple):
    """A service of the sandbox with a task that has no files."""

    name: str
    server: paymo.PaymoSandbox | onlyoffice.OnlyofficeSandbox
    environment: dict[str, str]
    task: str

    def ask(self, ask: Callable[[FileService], object]) -> object:
        return asked(self.name, self.environment, ask)  # type: ignore[arg-type]

    @property
    def files(self) -> list[str]:
        """All files that the service has, by their names there."""
        key = "original_filename" if self.name == "paymo" else "title"
        return [file[key] for file in self.server.world.tables["files"].values()]


@pytest.fixture(params=["paymo", "onlyoffice", "onlyoffice in PascalCase"])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    if request.param == "paymo":
        world = paymo.World(7, projects=1, tasks=1)
        task = world._add("tasks", {"name": "empty", "project_id": world.ids("projects")[0], "complete": False})
        with paymo.PaymoSandbox(world, most_page=2) as server:
            yield Stand("paymo", server, paymo_environment(server), f"paymo:task/{task}")
        assert server.world.leaks == 0
        return
    names = "camel" if request.param == "onlyoffice" else "pascal"
    portal = onlyoffice.World(7, projects=1, tasks=1)
    portal.attached.clear()
    with onlyoffice.OnlyofficeSandbox(portal, names=names, items_per_page=2) as office:
        yield Stand("onlyoffice", office, onlyoffice_environment(office), f"onlyoffice:task/{portal.ids('tasks')[0]}")


def test_a_file_is_uploaded_found_read_renamed_and_deleted(stand: Stand) -> None:
    async def live(service: FileService) -> None:
        await service.check()
        file = await uploaded(service, contents(NAME, CONTENT), parse_place(stand.task), 0)
        assert service.could_be(file, NAME, len(CONTENT))
        assert not service.could_be(file, NAME, len(CONTENT) + 1)
        assert (file.service, file.size_bytes, f"{stand.name}:task/{file.task_id}") == (stand.name, 9, stand.task)
        assert [each.file_id for each in await listed(service, stand.task)] == [file.file_id]
        assert await read(service, await service.get(file.file_id)) == CONTENT

        await service.update(file.file_id, "new.txt", None)
        assert (await service.get(file.file_id)).name == "new.txt"

        await service.delete(file.file_id)
        assert await listed(service, stand.task) == []

    stand.ask(live)


@pytest.mark.parametrize(
    "name",
    [
        "line\nbreak\r.txt",
        'q"uo\\te\\.txt',
        "../../x",
        "C:\\files\\x.txt",
        " trailing. ",
        "x" * 300 + ".txt",
        "a (1).txt",
        "..",
    ],
)
def test_an_upload_is_known_by_whatever_name_the_service_shows(stand: Stand, name: str) -> None:
    async def live(service: FileService) -> None:
        for number in range(2):  # the second one may get a number
            file = await service.upload(contents(name, CONTENT), parse_place(stand.task))
            assert service.could_be(file, name, len(CONTENT)), (number, file.name)
            assert not service.could_be(file, "another.txt", len(CONTENT))

    stand.ask(live)


def test_a_list_is_read_to_its_end_however_short_its_pages_are(stand: Stand) -> None:
    names = [f"{number}.txt" for number in range(7)]

    async def live(service: FileService) -> list[ServiceFile]:
        for name in names:
            await service.upload(contents(name, b"x"), parse_place(stand.task))
        return await listed(service, stand.task)

    found = stand.ask(live)

    assert isinstance(found, list)
    assert sorted(str(file.name) for file in found) == names


@pytest.mark.parametrize("fault", ["error", "short", "reset", "html", "unavailable"])
def test_an_upload_whose_answer_is_lost_is_there_once(stand: Stand, fault: Fault) -> None:
    before = len(stand.files)
    for endpoint in ("upload", "attach") if stand.name == "onlyoffice" else ("upload",):
        stand.server.fail(1, fault, endpoint)

    file = stand.ask(lambda service: uploaded(service, contents(NAME, CONTENT), parse_place(stand.task), 0))
    found = stand.ask(lambda service: listed(service, stand.task))

    assert isinstance(file, ServiceFile)
    assert [each.file_id for each in found] == [file.file_id]  # type: ignore[attr-defined]
    assert len(stand.files) == before + 1


def test_an_equal_file_that_was_there_before_is_not_taken_for_the_upload(stand: Stand) -> None:
    def put(service: FileService) -> object:
        return uploaded(service, contents(NAME, CONTENT), parse_place(stand.task), 0)

    first = stand.ask(put)
    stand.server.fail(1, "error", "upload")
    second = stand.ask(put)

    assert isinstance(first, ServiceFile)
    assert isinstance(second, ServiceFile)
    assert first.file_id != second.file_id
    assert len(stand.ask(lambda service: listed(service, stand.task))) == 2  # type: ignore[arg-type]


def test_what_does_not_exist_or_is_forbidden_is_refused_in_a_sentence(stand: Stand) -> None:
    with pytest.raises(FileRefused, match=r"does not know file 99999 \(404 .*\); check its id") as raised:
        stand.ask(lambda service: service.get("99999"))
    assert raised.value.status == 404

    for project in stand.server.world.ids("projects"):
        stand.server.world.forbid(project)
    with pytest.raises(FileRefused, match=r"refuses .*: 403 .*; check what this account may do"):
        stand.ask(lambda service: uploaded(service, contents(NAME, CONTENT), parse_place(stand.task), 0))


def test_a_service_that_refuses_the_key_refuses_the_login_and_no_message_has_the_key(stand: Stand) -> None:
    secret = "PAYMO_API_KEY" if stand.name == "paymo" else "ONLYOFFICE_TOKEN"

    with pytest.raises(LoginRefused, match=f"refused {secret}: .*; get a new one") as raised:
        asked(stand.name, stand.environment | {secret: "wrong-canary"}, lambda service: service.get("1"))
    assert "canary" not in str(raised.value)


def test_missing_settings_are_named() -> None:
    for environment, message in (
        ({}, "No login of Paymo is given; set PAYMO_API_KEY"),
        ({"PAYMO_API_KEY": "k", "PAYMO_URL": "http://paymo.example"}, "plain http would send the token unencrypted"),
    ):
        with pytest.raises(SettingsError, match=message):
            client_for("paymo", load_settings({}, environment))
    for environment, message in (
        ({"ONLYOFFICE_TOKEN": "t"}, "No address of ONLYOFFICE is given; set ONLYOFFICE_URL"),
        ({"ONLYOFFICE_URL": "https://o.example"}, "No login of ONLYOFFICE is given; set ONLYOFFICE_TOKEN"),
    ):
        with pytest.raises(SettingsError, match=message):
            client_for("onlyoffice", load_settings({}, environment))


PAYMO = {"PAYMO_API_KEY": "canary"}
ONLYOFFICE = {"ONLYOFFICE_TOKEN": "canary"}


def at_paymo(server: Scripted) -> dict[str, str]:
    return PAYMO | {"PAYMO_URL": server.url}


def at_onlyoffice(server: Scripted) -> dict[str, str]:
    return ONLYOFFICE | {"ONLYOFFICE_URL": server.url}


@needs_samples
def test_the_example_of_paymos_page_is_read_whole() -> None:
    body = (SAMPLES / "paymo_files_list.json").read_bytes()
    with scripted(lambda asked: Reply(200, body if "page=0" in asked.path else b'{"files": []}')) as server:
        found = asked("paymo", at_paymo(server), lambda service: listed(service, "paymo:project/397709"))

    first, second = found
    assert (first.file_id, first.name, first.size_bytes, first.media_type) == (
        "135371",
        "DSC00782.jpg",
        517429,
        "image/jpeg",
    )
    assert (first.project_id, first.task_id, first.comment_id, first.author_id) == ("397709", None, "125234", "23129")
    assert first.created_at == datetime(2015, 1, 26, 14, 52, 15, tzinfo=UTC)
    assert first.updated_at == datetime(2015, 1, 26, 14, 52, 17, tzinfo=UTC)
    assert first.download_url == json.loads(body)["files"][0]["file"]
    assert json.loads(first.payload) == json.loads(body)["files"][0]
    assert second.task_id == "2322874"
    key = base64.b64encode(b"canary:X").decode()
    assert {each.headers["Authorization"] for each in server.asked} == {f"Basic {key}"}
    assert server.paths[0] == "/api/files?where=project_id=397709&page=0&page_size=500"


def test_paymo_takes_an_email_and_a_password_too() -> None:
    with scripted(lambda _: Reply(200, b'{"files": [{"id": 1}]}')) as server:
        environment = {"PAYMO_URL": server.url, "PAYMO_API_KEY": "me@paymo.example:pass:word"}
        asked("paymo", environment, lambda service: service.get("1"))

    assert server.asked[0].headers["Authorization"] == (
        f"Basic {base64.b64encode(b'me@paymo.example:pass:word').decode()}"
    )


def test_filters_of_paymo_take_instants_as_seconds() -> None:
    since = datetime(2020, 3, 5, 20, 50, 43, 900_000, tzinfo=UTC)

    assert where(("updated_on", ">=", since), ("project_id", "=", 7)) == "updated_on>=1583441443 and project_id=7"


@needs_samples
@pytest.mark.parametrize("year", ["2020", "2025"])
def test_the_examples_of_onlyoffices_pages_are_read_whole(year: str) -> None:
    body = (SAMPLES / f"onlyoffice_task_files_doc{year}.json").read_bytes()
    with scripted(lambda _: Reply(200, body)) as server:
        (file,) = asked("onlyoffice", at_onlyoffice(server), lambda service: listed(service, "onlyoffice:task/9"))

    assert file.task_id == "9"
    if year == "2020":
        assert (file.file_id, file.name, file.size_bytes) == ("857864274", "Some titile.txt", 12345)
        assert file.created_at == datetime(2020, 12, 13, 17, 13, 31, 590272, tzinfo=UTC)
        assert file.author_id == "00000000-0000-0000-0000-000000000000"
        assert file.download_url == "http://www.onlyoffice.com/viewfile?fileid=2221"
    else:
        assert (file.file_id, file.name) == ("4\\46\\File name", "File name")
    assert (server.asked[0].headers["Authorization"], server.asked[0].headers["Accept"]) == (
        "canary",
        "application/json",
    )
    assert server.paths == ["/api/2.0/project/task/9/files"]


def test_onlyoffice_attaches_by_a_post_of_ids() -> None:
    def script(asked: Asked) -> Reply:
        if asked.method == "POST":
            return Reply(201, b'{"status": 0, "statusCode": 201, "response": {"id": 9}}')
        return Reply(200, b'{"response": {"id": 18, "title": "a.txt"}}')

    with scripted(script) as server:
        file = asked(
            "onlyoffice", at_onlyoffice(server), lambda each: each.attach("18", parse_place("onlyoffice:task/9"))
        )

    assert server.paths[0] == "/api/2.0/project/task/9/files"
    assert json.loads(server.asked[0].body) == {"taskid": 9, "files": [18]}
    assert (file.file_id, file.task_id) == ("18", "9")


def test_a_spent_quota_of_onlyoffice_is_a_503_with_retry_after() -> None:
    replies = [Reply(503, b"<html>busy</html>", {"Retry-After": "0"}), Reply(200, b'{"response": {"id": 18}}')]
    with scripted(lambda _: replies.pop(0)) as server:
        file = asked("onlyoffice", at_onlyoffice(server), lambda service: service.get("18"))

    assert file.file_id == "18"


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (
            Reply(200, b'{"status": 1, "statusCode": 404, "error": {"message": "item not found"}}'),
            FileRefused,
            "item not",
        ),
        (Reply(200, b'{"statusCode": 401, "error": {"message": "no"}}'), LoginRefused, "refused ONLYOFFICE_TOKEN: no"),
        (Reply(404, b"<html>no</html>"), FileRefused, "does not know file 18"),
        (Reply(404, b"<result><error><message>gone</message></error></result>"), FileRefused, "404 gone"),
        (Reply(302, b"", {"Location": "https://elsewhere.example/"}), PyrusUnreachable, "check ONLYOFFICE_URL"),
        (Reply(200, b"<html>a login page</html>"), PyrusUnreachable, "check ONLYOFFICE_URL"),
        (Reply(200, b'{"response": []}'), FileRefused, "has no file"),
        (Reply(200, b'{"response": [null, 5, {"id": true}]}'), FileRefused, "has no file"),
    ],
)
def test_odd_answers_of_onlyoffice_are_errors_with_a_sentence(
    reply: Reply, error: type[Exception], message: str
) -> None:
    with scripted(lambda _: reply) as server, pytest.raises(error, match=message):
        asked("onlyoffice", at_onlyoffice(server), lambda service: service.get("18"))


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (Reply(400, b'{"message": "Unknown field or reference: x canary"}'), FileRefused, r"reference: x \(secret\)"),
        (Reply(200, b"[]"), PyrusUnreachable, "check PAYMO_URL"),
        (Reply(200, b'{"files": []}'), FileRefused, "has no file"),
        (Reply(500, b""), PyrusUnreachable, "Paymo failed to answer about file 55"),
    ],
)
def test_odd_answers_of_paymo_are_errors_with_a_sentence(reply: Reply, error: type[Exception], message: str) -> None:
    with scripted(lambda _: reply) as server, pytest.raises(error, match=message):
        asked("paymo", at_paymo(server), lambda service: service.get("55"))


def test_odd_values_are_none_and_stay_in_the_payload() -> None:
    odd = {"id": "7", "size": "many", "created_on": "yesterday", "user_id": [], "mime": 5, "task_id": 0, "new": "\x00"}
    with scripted(lambda _: Reply(200, json.dumps({"files": [odd]}).encode())) as server:
        file = asked("paymo", at_paymo(server), lambda service: service.get("7"))

    assert (file.size_bytes, file.created_at, file.author_id, file.media_type) == (None, None, None, "5")
    assert json.loads(file.payload) == odd | {"new": "�"}


def test_a_paymo_that_ignores_pages_ends_the_list_too() -> None:
    with scripted(lambda _: Reply(200, b'{"files": [{"id": 1}, {"id": 2}]}')) as server:
        found = asked("paymo", at_paymo(server), lambda service: listed(service, "paymo:task/1"))

    assert [file.file_id for file in found] == ["1", "2"]
    assert len(server.asked) == 2


def test_the_key_stays_with_the_service_when_contents_are_elsewhere() -> None:
    with scripted(lambda _: Reply(200, b"content")) as store:
        described = json.dumps({"files": [{"id": 1, "file": f"{store.url}/a.txt"}]}).encode()
        with scripted(lambda _: Reply(200, described)) as server:
            assert asked("paymo", at_paymo(server), partial(_contents, "1")) == b"content"
        viewed = json.dumps({"response": {"id": 18, "viewUrl": "/view?fileid=18"}}).encode()
        moved = Reply(302, b"", {"Location": f"{store.url}/store/18"})
        with scripted(lambda each: moved if "/view" in each.path else Reply(200, viewed)) as portal:
            assert asked("onlyoffice", at_onlyoffice(portal), partial(_contents, "18")) == b"content"

    assert portal.asked[-1].headers["Authorization"] == "canary"
    assert len(store.asked) == 2
    assert not any("Authorization" in each.headers or "canary" in str(each) for each in store.asked)


async def _contents(file_id: str, service: FileService) -> bytes:
    return await read(service, await service.get(file_id))


@pytest.mark.parametrize("service", ["paymo", "onlyoffice"])
def test_a_list_that_never_ends_is_given_up_with_a_sentence(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that shows new entries on each page, as many as are asked for."""
    monkeypatch.setattr("pyrus_etl.extract.files.endless.MOST_PAGES", 20)
    ids = itertools.count(1)

    def script(_: Asked) -> Reply:
        new = [{"id": next(ids)} for _ in range(3)]
        return Reply(200, json.dumps({"files": new, "response": new, "total": 10**9}).encode())

    at = {"paymo": at_paymo, "onlyoffice": at_onlyoffice}[service]
    with (
        scripted(script) as server,
        pytest.raises(PyrusUnreachable, match=rf"lists {service}:task/7 without an end: .* on each of 20 pages"),
    ):
        asked(service, at(server), lambda each: listed(each, f"{service}:task/7"))

    assert len(server.asked) == 20


def _nested(inner: Callable[[int], list[int]]) -> Callable[[Asked], Reply]:
    """A portal with one file in each folder; `inner`: the ids of the folders in a folder."""

    def script(asked: Asked) -> Reply:
        if "/project/" in asked.path:
            return Reply(200, b'{"response": {"projectFolder": 1}}')
        folder = int(asked.path.rpartition("/")[2])
        held = {"files": [{"id": 100 + folder}], "folders": [{"id": each} for each in inner(folder)]}
        return Reply(200, json.dumps({"response": held}).encode())

    return script


def test_folders_that_contain_themselves_or_one_another_are_read_once_each() -> None:
    inner = {1: [1, 2, 3], 2: [1, 2, 3], 3: [4], 4: [3]}
    with scripted(_nested(inner.__getitem__)) as server:
        found = asked("onlyoffice", at_onlyoffice(server), lambda each: listed(each, "onlyoffice:project/9"))

    assert sorted(file.file_id for file in found) == ["101", "102", "103", "104"]
    assert len(server.asked) == 1 + len(inner)


def test_folders_that_are_nested_without_an_end_are_given_up_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrus_etl.extract.files.endless.MOST_DEPTH", 20)
    with (
        scripted(_nested(lambda folder: [2 * folder, 2 * folder + 1])) as server,
        pytest.raises(PyrusUnreachable, match=r"nests the folders of onlyoffice:project/9 without an end: 20 are"),
    ):
        asked("onlyoffice", at_onlyoffice(server), lambda each: listed(each, "onlyoffice:project/9"))

    assert len(server.asked) == 1 + 21


@pytest.mark.parametrize(
    ("kind", "tries"),
    [("System.ArgumentException", 1), ("ASC.Api.Exceptions.ItemNotFoundException", 1), ("System.TimeoutException", 9)],
)
def test_an_error_of_onlyoffice_that_blames_the_request_is_final_even_with_500(kind: str, tries: int) -> None:
    error = {"status": 1, "statusCode": 500, "error": {"message": "Value cannot be null.", "type": kind}}
    in_xml = f"<result><error><message>Value cannot be null.</message><type>{kind}</type></error></result>"
    for body in (json.dumps(error), in_xml):
        with (
            scripted(lambda _, body=body: Reply(500, body.encode())) as server,  # type: ignore[misc]
            pytest.raises(FileRefused if tries == 1 else PyrusUnreachable, match="500") as raised,
        ):
            asked("onlyoffice", at_onlyoffice(server), lambda service: service.get("18"))
        assert len(server.asked) == tries
        if tries == 1:
            assert "refuses file 18: 500 Value cannot be null; check" in str(raised.value)


def test_a_write_that_failed_over_a_wrong_request_may_be_half_done_so_its_effect_is_looked_for() -> None:
    portal = onlyoffice.World(7, projects=1, tasks=1)
    place = parse_place(f"onlyoffice:task/{portal.ids('tasks')[0]}")
    error = b'{"status": 1, "statusCode": 500, "error": {"message": "Wrong.", "type": "System.ArgumentException"}}'

    with onlyoffice.OnlyofficeSandbox(portal) as office:

        def script(each: Asked) -> Reply:
            answer = passed_on(office, each)  # type: ignore[arg-type] # only its URL counts
            return Reply(500, error) if each.path.startswith("/api/2.0/files/") and each.method == "POST" else answer

        with scripted(script) as front:
            environment = onlyoffice_environment(office) | {"ONLYOFFICE_URL": front.url}
            file = asked("onlyoffice", environment, lambda each: uploaded(each, contents(NAME, CONTENT), place, 0))

    assert [one["id"] for one in portal.of_entity("tasks", int(place.place_id))][-1] == int(file.file_id)
    assert [each.method for each in front.asked].count("POST") == 2  # the upload, and its id for the task


def test_a_link_of_paymo_that_has_expired_is_asked_for_again() -> None:
    with paymo.PaymoSandbox(paymo.World(7, projects=1, tasks=1), link_seconds=60) as server:
        file_id = server.world.add_file("a.txt", "content", task_id=server.world.ids("tasks")[0])

        async def late(service: FileService) -> bytes:
            file = await service.get(str(file_id))
            server.world.clock.advance(3600)
            return await read(service, file)

        assert asked("paymo", paymo_environment(server), late) == b"content"


def test_an_upload_without_a_target_is_attached_by_its_token() -> None:
    with paymo.PaymoSandbox(paymo.World(7, projects=1, tasks=1)) as server:
        task = f"paymo:task/{server.world.ids('tasks')[0]}"

        async def live(service: FileService) -> ServiceFile:
            file = await uploaded(service, contents(NAME, CONTENT), parse_place("paymo:"), 0)
            assert file.token
            assert "token" not in json.loads(file.payload)
            server.fail(1, "short", "update")
            return await service.attach(file.file_id, parse_place(task), file.token)

        attached = asked("paymo", paymo_environment(server), live)

    assert f"paymo:task/{attached.task_id}" == task


def test_a_write_that_keeps_failing_says_that_it_may_have_been_applied() -> None:
    def script(each: Asked) -> Reply:
        return Reply(500) if each.method == "POST" else Reply(200, b'{"files": []}')

    with scripted(script) as server, pytest.raises(AnswerLost, match="look whether it was done"):
        asked(
            "paymo", at_paymo(server), lambda each: uploaded(each, contents("a", b"a"), parse_place("paymo:task/1"), 0)
        )

    assert [each.method for each in server.asked].count("POST") == 5


def test_contents_that_break_off_and_answers_that_are_lost_count_together() -> None:
    failures = [AnswerLost("lost"), BodyCut("cut", 0), AnswerLost("lost"), BodyCut("cut", 0), AnswerLost("lost")]
    looks: list[None] = []

    async def send() -> ServiceFile:
        raise failures.pop(0)

    async def look() -> None:
        looks.append(None)

    with pytest.raises(AnswerLost):
        asyncio.run(settled(send, look, 0))
    assert (failures, len(looks)) == ([], 6)


@pytest.mark.parametrize("service", ["paymo", "onlyoffice"])
def test_an_upload_that_the_service_says_it_has_is_never_sent_again(service: str) -> None:
    def script(each: Asked) -> Reply:
        if each.method == "POST":
            return Reply(201, b'{"response": {"title": "a"}}')
        return Reply(200, b'{"files": [], "response": {"files": [], "projectFolder": 3, "projectOwner": {"id": 4}}}')

    place = parse_place(f"{service}:task/1")
    at = {"paymo": at_paymo, "onlyoffice": at_onlyoffice}[service]
    with scripted(script) as server, pytest.raises(AnswerLost, match="look whether it is there"):
        asked(service, at(server), lambda each: uploaded(each, contents("a", b"a"), place, 0))

    assert [each.method for each in server.asked].count("POST") == 1


@pytest.mark.parametrize("described", [Reply(200, b'{"files": [{"id": 77, "size": "1"}]}'), Reply(404), Reply(500)])
def test_paymo_names_an_upload_in_its_location(described: Reply) -> None:
    def script(each: Asked) -> Reply:
        if each.method == "POST":
            return Reply(201, b"", {"Location": "https://app.paymoapp.com/api/files/77/?x=1"})
        return described if each.path == "/api/files/77" else Reply(200, b'{"files": []}')

    with scripted(script) as server:
        place = parse_place("paymo:task/1")
        file = asked("paymo", at_paymo(server), lambda each: uploaded(each, contents("a", b"a"), place, 0))

    assert (file.file_id, file.size_bytes) == ("77", 1 if described.status == 200 else None)
    assert [each.method for each in server.asked].count("POST") == 1


def test_a_file_that_onlyoffice_attached_and_does_not_describe_is_attached() -> None:
    with scripted(
        lambda each: Reply(200, b'{"response": {"id": 9}}') if each.method == "POST" else Reply(404)
    ) as server:
        place = parse_place("onlyoffice:task/9")
        file = asked("onlyoffice", at_onlyoffice(server), lambda each: each.attach("18", place))

    assert (file.file_id, file.task_id) == ("18", "9")


@pytest.mark.parametrize("message", ["The token is not the file's.", "The token is not the file's"])
def test_a_refusal_is_one_sentence(message: str) -> None:
    reply = Reply(403, json.dumps({"message": message}).encode())
    token, place = Secret("a token"), parse_place("paymo:task/9")
    with scripted(lambda _: reply) as server, pytest.raises(FileRefused) as raised:
        asked("paymo", at_paymo(server), lambda each: each.attach("55", place, token))

    refusal = "Paymo refuses file 55 for paymo:task/9: 403 The token is not the file's; check what this account may do."
    assert str(raised.value) == refusal


def test_titles_of_onlyoffice_are_cleaned_as_the_portal_does() -> None:
    assert cleaned(' a*?"<>|:/\\b😀.txt ') == "a_________b__.txt"
    assert cleaned("x" * 300 + ".docx") == "x" * 165 + ".docx"
    assert len(cleaned("x" * 300)) == 170


def test_a_file_of_onlyoffice_is_never_a_new_version_of_another() -> None:
    portal = onlyoffice.World(7, projects=1, tasks=2)
    with onlyoffice.OnlyofficeSandbox(portal) as server:
        one, other = (parse_place(f"onlyoffice:task/{task}") for task in portal.ids("tasks"))

        async def live(service: FileService) -> list[ServiceFile]:
            return [await service.upload(contents("same.txt", text), at) for text, at in ((b"1", one), (b"2", other))]

        first, second = asked("onlyoffice", onlyoffice_environment(server), live)

    assert (first.name, second.name) == ("same.txt", "same (1).txt")
    assert first.file_id != second.file_id


def test_a_file_of_onlyoffice_is_detached_and_stays_in_its_folder() -> None:
    portal = onlyoffice.World(7, projects=1, tasks=1)
    with onlyoffice.OnlyofficeSandbox(portal) as server:
        task = parse_place(f"onlyoffice:task/{portal.ids('tasks')[0]}")

        async def live(service: FileService) -> ServiceFile:
            file = await service.upload(contents("a.txt", b"1"), task)
            await service.detach(file.file_id, task)
            assert file.file_id not in [each.file_id for each in await listed(service, task)]
            return await service.get(file.file_id)

        assert asked("onlyoffice", onlyoffice_environment(server), live).name == "a.txt"


def test_what_a_service_lacks_is_a_sentence() -> None:
    for name, environment, ask, sentence in (
        ("onlyoffice", ONLYOFFICE | {"ONLYOFFICE_URL": "http://127.0.0.1:1"},
         lambda service: service.update("1", None, "text"), "ONLYOFFICE has no description of a file"),
        ("paymo", PAYMO, lambda service: listed(service, "paymo:"), "Paymo lists the files of a place only"),
        ("paymo", PAYMO, lambda service: service.detach("1", parse_place("paymo:task/1")), "Paymo cannot detach"),
        ("pyrus", {"PYRUS_ACCESS_TOKEN": "t"}, lambda service: service.delete("1"), "Pyrus has no method that deletes"),
        ("pyrus", {"PYRUS_ACCESS_TOKEN": "t"}, lambda service: service.update("1", "a", None), "Pyrus cannot rename"),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=sentence):
            asked(name, environment, ask)


def test_an_address_without_encryption_in_a_link_is_not_asked() -> None:
    described = json.dumps({"files": [{"id": 1, "file": "http://store.example/a.txt"}]}).encode()

    async def opened(service: FileService) -> object:
        async with service.open(await service.get("1")) as found:
            return None if isinstance(found, Download) else found

    with scripted(lambda _: Reply(200, described)) as server:
        assert "neither https nor on loopback" in str(asked("paymo", at_paymo(server), opened))
