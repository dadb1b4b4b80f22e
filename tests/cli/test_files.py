"""`pyrus-etl files …` as people and scripts run it."""

import hashlib
import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.cli.terminal.output import print_result
from pyrus_etl.sandbox import onlyoffice, paymo
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.result import Result
from tests.counting import counting
from tests.extract.services import onlyoffice_environment, paymo_environment
from tests.forked import run_module
from tests.measured import measured
from tests.runs import command_line, program_environment, program_module
from tests.scripted import Asked, Reply, scripted

pytestmark = pytest.mark.usefixtures("impatient")

CONTENT = b"<svg>some text</svg>"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A file to upload."""
    file = tmp_path / "Счёт 5.svg"
    file.write_bytes(CONTENT)
    return str(file)


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_module(program_module(), list(arguments), program_environment(None, None) | environment)


def files(*arguments: str, **environment: str) -> dict[str, Any]:
    """What `files … --json` prints; it must end well."""
    ended = program("files", *arguments, "--json", **environment)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_a_file_of_paymo_is_uploaded_attached_renamed_and_deleted(path: str) -> None:
    world = paymo.World(7, projects=1, tasks=1)
    (task,) = world.ids("tasks")
    before = {str(file["id"]) for file in world.tables["files"].values() if file.get("task_id") == task}
    with paymo.PaymoSandbox(world) as server:
        settings = paymo_environment(server)
        unattached = files("upload", path, "paymo:", **settings)
        name = f"paymo:{unattached['file_id']}"
        attached = files("attach", name, f"paymo:task/{task}", "--token", unattached["token"], **settings)
        renamed = files("update", name, "--name", "new.svg", "--description", "of May", **settings)
        listed = files("list", f"paymo:task/{task}", **settings)["files"]
        deleted = files("delete", name, **settings)
        missing = program("files", "get", name, **settings)

    assert (unattached["name"], unattached["size_bytes"], unattached["task_id"]) == ("Счёт 5.svg", len(CONTENT), None)
    assert (attached["task_id"], "token" in attached) == (str(task), False)
    assert (renamed["name"], renamed["description"]) == ("new.svg", "of May")
    assert {file["file_id"] for file in listed} == before | {unattached["file_id"]}
    assert deleted == {"service": "paymo", "file_id": unattached["file_id"], "status": "deleted", "exit_code": 0}
    assert missing.returncode == 6
    assert (
        missing.stderr == f"pyrus-etl: Paymo does not know file {unattached['file_id']} (404 Object not found); "
        "check its id.\n"
    )


def test_a_file_of_onlyoffice_is_uploaded_to_a_task_and_shown(path: str) -> None:
    world = onlyoffice.World(7, projects=1, tasks=1)
    place = f"onlyoffice:task/{world.ids('tasks')[0]}"
    with onlyoffice.OnlyofficeSandbox(world) as server:
        settings = onlyoffice_environment(server)
        uploaded = files("upload", path, place, **settings)
        shown = program("files", "get", f"onlyoffice:{uploaded['file_id']}", **settings)
        files("delete", f"onlyoffice:{uploaded['file_id']}", "--from", place, **settings)
        listed = program("files", "list", place, **settings)

    assert uploaded["name"] == "Счёт 5.svg"
    assert f"file_id        {uploaded['file_id']}\n" in shown.stdout
    assert uploaded["file_id"] not in listed.stdout


@pytest.mark.parametrize("api", ["v3", "v4"])
def test_pyrus_names_an_upload_by_its_guid_or_uploaded_file_id(path: str, api: str) -> None:
    def script(asked: Asked) -> Reply:
        answer = {"v3": {"UploadedFileId": "abc+/=123"}, "v4": {"guid": "08923d83-255b", "md5_hash": None}}[api]
        return Reply(200, json.dumps(answer).encode())

    with scripted(script) as server:
        given = {"PYRUS_URL": server.url, "PYRUS_ACCESS_TOKEN": "t", "PYRUS_API": api}
        found = files("upload", path, "pyrus:", **given)

    assert found["file_id"] == found["guid" if api == "v4" else "uploaded_file_id"]
    assert server.paths == ["/restapi/upload" if api == "v3" else "/api/v4/files/upload"]
    assert CONTENT in server.asked[0].body


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "sentence"),
    [
        ("list paymo:task/1", {}, 2, "No login of Paymo is given; set PAYMO_API_KEY."),
        ("list paymo:55", {}, 2, "PLACE: 'paymo:55' is not a place of paymo"),
        ("get dropbox:5", {}, 2, "FILE: 'dropbox' is not a file service"),
        ("upload nowhere paymo:", {"PAYMO_API_KEY": "k"}, 2, "'nowhere' cannot be read: No such file"),
        ("upload / paymo:", {"PAYMO_API_KEY": "k"}, 2, "'/' is not a regular file"),
        ("delete paymo:5", {"PAYMO_API_KEY": "k", "PYRUS_ETL_WRITE": "off"}, 2, "PYRUS_ETL_WRITE is off"),
        ("update paymo:5", {"PAYMO_API_KEY": "k"}, 2, "Nothing to change"),
        ("get paymo:5", {"PAYMO_API_KEY": "k", "PAYMO_URL": "http://127.0.0.1:9"}, 4, "127.0.0.1:9 cannot be reached"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    arguments: str, environment: dict[str, str], code: int, sentence: str
) -> None:
    ended = program("files", *arguments.split(), **environment)

    assert (ended.returncode, ended.stdout) == (code, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_key_that_is_refused_is_exit_code_3() -> None:
    with paymo.PaymoSandbox(paymo.World(7, projects=1, tasks=1)) as server:
        ended = program("files", "get", "paymo:5", PAYMO_URL=server.url, PAYMO_API_KEY="canary")

    assert ended.returncode == 3
    assert "Paymo refused PAYMO_API_KEY: Unauthorized; get a new one." in ended.stderr


def test_a_file_is_copied_from_one_service_to_another() -> None:
    source, target = paymo.World(7, projects=1, tasks=1), onlyoffice.World(7, projects=1, tasks=1)
    file = source.add_file("Счёт.svg", CONTENT, task_id=source.ids("tasks")[0])
    with paymo.PaymoSandbox(source) as one, onlyoffice.OnlyofficeSandbox(target) as other:
        settings = paymo_environment(one) | onlyoffice_environment(other)
        copied = files("copy", f"paymo:{file}", f"onlyoffice:task/{target.ids('tasks')[0]}", **settings)
        missing = program("files", "copy", "paymo:5", f"onlyoffice:task/{target.ids('tasks')[0]}", **settings)

    assert (copied["service"], copied["name"], copied["size_bytes"]) == ("onlyoffice", "Счёт.svg", len(CONTENT))
    assert [CONTENT] in target.versions.values()
    assert missing.returncode == 6


def test_mirror_is_told_where_to() -> None:
    for service, sentence in (("pyrus", "name paymo or onlyoffice"), ("nowhere", "is not a file service")):
        ended = program("files", "mirror", service)

        assert ended.returncode == 2
        assert sentence in ended.stderr


def test_a_file_of_200_mb_is_copied_in_little_memory() -> None:
    part, parts = bytes(1 << 16), 3200
    described = {"response": {"id": 18, "title": "large.bin", "pureContentLength": len(part) * parts}}

    def portal(asked: Asked) -> Reply:
        if "filehandler" in asked.path:
            return Reply(200, parts=itertools.repeat(part, parts))
        return Reply(200, json.dumps(described).encode())

    with scripted(portal) as source, counting(b'{"files": [{"id": 9, "size": %d}]}') as url:
        settings = {"ONLYOFFICE_URL": source.url, "ONLYOFFICE_TOKEN": "t", "PAYMO_URL": url, "PAYMO_API_KEY": "k"}
        ended = measured(
            command_line("files", "copy", "onlyoffice:18", "paymo:", "--json"),
            program_environment(None, None) | settings,
        )

    assert ended.code == 0, ended.stderr
    assert parts << 16 < json.loads(ended.stdout)["size_bytes"] < (parts << 16) + 1000
    assert ended.memory < 100 << 20


def test_a_file_is_downloaded_into_a_folder_under_a_safe_name(tmp_path: Path) -> None:
    world = paymo.World(7, projects=1, tasks=1)
    one, other = (
        f"paymo:{world.add_file(name, CONTENT, task_id=world.ids('tasks')[0])}" for name in ("../../etc/a.txt", "b.txt")
    )
    folder = tmp_path / "new" / "folder"
    with paymo.PaymoSandbox(world) as server:
        settings = paymo_environment(server)
        first = files("download", one, "--to", str(folder), **settings)
        again = files("download", one, "--to", str(folder), **settings)
        (folder / "b.txt").write_bytes(b"my own")
        second = files("download", other, "--to", str(folder), **settings)

    assert first["path"] == again["path"]
    assert Path(first["path"]).parent == folder
    assert (first["size_bytes"], first["sha256"]) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert second["path"] == str(folder / "b (1).txt")
    assert (folder / "b.txt").read_bytes() == b"my own"
    assert sorted(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) == [CONTENT, CONTENT, b"my own"]
    assert len(list(folder.iterdir())) == 3


def test_contents_that_cannot_be_had_or_written_leave_nothing(tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        described = {"files": [{"id": 5, "original_filename": "a.txt", "size": 100, "file": "/a.txt"}]}
        return Reply(200, b"short" if asked.path == "/a.txt" else json.dumps(described).encode())

    (tmp_path / "file").write_bytes(b"")
    with scripted(script) as server:
        settings = {"PAYMO_URL": server.url, "PAYMO_API_KEY": "k"}
        short = program("files", "download", "paymo:5", "--to", str(tmp_path / "to"), **settings)
        no_folder = program("files", "download", "paymo:5", "--to", str(tmp_path / "file"), **settings)

    assert (short.returncode, list((tmp_path / "to").iterdir())) == (6, [])
    assert "'a.txt' should have 100 bytes and has 5; try again." in short.stderr
    assert no_folder.returncode == 2
    assert "cannot be written: File exists; a file is in its place, so choose a folder." in no_folder.stderr


def test_a_run_that_could_not_do_all_does_not_call_itself_ok(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(Result("mirror", status="ok", counts=Counts(files_listed=2, files_copied=1, files_failed=1)))
    print_result(Result("mirror", status="ok", counts=Counts(files_listed=2, files_copied=2)))

    heads = [line.partition(" in ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("files")]
    assert heads == ["files mirror incomplete", "files mirror ok"]
