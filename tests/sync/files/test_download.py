"""attachments download and verify: every file once, whole or not at all, and what happened to each."""

import hashlib
import itertools
import json
import logging
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
from moto.server import ThreadedMotoServer

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.tasks.files import contents
from pyrus_etl.settings import Secret
from tests.conftest import TEMPLATE, clone
from tests.measured import measured
from tests.processes import eventually, launched
from tests.runs import command_line, program, program_environment, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.servers import Server
from tests.typing import Query

V4 = {"PYRUS_API": "v4"}
FILES = "SELECT DISTINCT attachment_id FROM pyrus.attachments"
ROWS = """
    SELECT attachment_id, status, stored_uri, content.size_bytes, sha256, attempts FROM pyrus.attachments
    LEFT JOIN pyrus.attachment_contents AS content USING (task_id, attachment_id)
"""
STATUSES = "SELECT DISTINCT attachment_id, status, attempts FROM pyrus.attachment_contents"
DEAD = "UPDATE pyrus.sync_leases SET expires_at = clock_timestamp()"
"""The lock of a killed run, for which the next one would wait some seconds."""
ONE = "SELECT min(attachment_id) FROM pyrus.attachments"

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(42, tasks=40), api="both") as running:
        yield running


@pytest.fixture(scope="module")
def after_a_sync(sandbox: Sandbox, postgresql_18: Server) -> Iterator[str]:
    """A template with all tasks of the sandbox, whose world no test changes."""
    name = "template_download"
    postgresql_18.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    sync(sandbox, postgresql_18.url(name))
    yield name
    postgresql_18.execute(f"DROP DATABASE {name}")


@pytest.fixture
def synced(postgresql_18: Server, after_a_sync: str) -> Iterator[Secret]:
    with clone(postgresql_18, after_a_sync) as url:
        yield url


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 server with a bucket named `bucket`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    asked_s3(f"http://{host}:{port}", "PUT", "/bucket")
    yield f"http://{host}:{port}"
    server.stop()


def asked_s3(address: str, method: str, path: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(address + path, method=method)) as answer:
        content: bytes = answer.read()
        return content


def objects(address: str, prefix: str) -> set[str]:
    listed = ElementTree.fromstring(asked_s3(address, "GET", f"/bucket?list-type=2&prefix={prefix}"))
    return {str(each.text) for each in listed.findall(".//{*}Key")}


def download(sandbox: Sandbox, database: Secret, to: object, *more: str, **environment: str) -> tuple[int, Any, str]:
    arguments = ("attachments", "download", "--to", str(to), "--json", *more)
    ended = program(*arguments, sandbox=sandbox, database=database, **environment)
    return ended.returncode, json.loads(ended.stdout), ended.stderr


def verified(database: Secret, *options: str, **environment: str) -> tuple[int, Any]:
    ended = program("attachments", "verify", "--json", *options, sandbox=None, database=database, **environment)
    return ended.returncode, json.loads(ended.stdout)


def size_of(path: Path) -> int:
    """The size of a file; 0 if it has just been renamed or deleted."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("environment", [{}, V4], ids=["v3", "v4"])
def test_every_file_is_stored_once_and_verified(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path, environment: dict[str, str]
) -> None:
    code, counts, _ = download(sandbox, synced, tmp_path / "to", **environment)
    again = download(sandbox, synced, tmp_path / "to", **environment)[1]
    stored = files_below(tmp_path / "to")
    ids = {int(str(row[0])) for row in query(synced, FILES)}

    assert code == 0
    assert (counts["kind"], counts["files_listed"], counts["files_stored"]) == ("download", len(ids), len(ids))
    assert counts["bytes"] == sum(len(each) for each in stored.values())
    assert {int(path.partition("/")[0]) for path in stored} == ids
    assert len(stored) == len(ids)
    assert all(content == contents(int(path.partition("/")[0])) for path, content in stored.items())
    for file, status, uri, size, sha256, attempts in query(synced, ROWS):
        expected = contents(int(str(file)))
        assert (status, size, attempts) == ("stored", len(expected), 1)
        assert sha256 == hashlib.sha256(expected).hexdigest()
        assert str(uri).startswith(f"file://{tmp_path}/to/{file}/")
    assert (again["files_listed"], again["files_stored"]) == (0, 0)
    assert verified(synced) == (0, {"files_checked": len(ids), "files_wrong": 0, "wrong": [], "exit_code": 0})


def test_another_target_gets_every_file_too(sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path) -> None:
    download(sandbox, synced, tmp_path / "first")
    code, counts, _ = download(sandbox, synced, tmp_path / "first2")

    assert (code, counts["files_stored"]) == (0, counts["files_listed"])
    assert files_below(tmp_path / "first2") == files_below(tmp_path / "first")
    assert {str(row[2]).split("/")[-3] for row in query(synced, ROWS)} == {"first2"}


def test_verify_finds_what_changed_and_the_next_download_fetches_it(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    download(sandbox, synced, tmp_path / "to")
    before = files_below(tmp_path / "to")
    changed, lost, *_ = sorted(before)
    (tmp_path / "to" / changed).write_bytes(b"other")
    (tmp_path / "to" / lost).unlink()
    code, found = verified(synced)
    counts = download(sandbox, synced, tmp_path / "to")[1]

    assert (code, found["files_wrong"]) == (6, 2)
    assert counts["files_stored"] == 2
    assert files_below(tmp_path / "to") == before
    assert verified(synced)[0] == 0


def test_prune_shows_what_no_task_has_any_more_and_deletes_it_with_yes(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    download(sandbox, synced, tmp_path / "to")
    before = files_below(tmp_path / "to")
    query(synced, f"DELETE FROM pyrus.attachments WHERE attachment_id = ({ONE})")
    shown = verified(synced, "--prune")
    kept = files_below(tmp_path / "to")
    pruned = verified(synced, "--prune", "--yes")
    folders = {path.name for path in (tmp_path / "to").iterdir()}

    assert (shown[0], shown[1]["files_to_prune"], pruned) == (0, 1, (0, {"files_pruned": 1, "exit_code": 0}))
    assert kept == before
    assert folders == {str(row[0]) for row in query(synced, FILES)}
    assert query(synced, f"SELECT DISTINCT attachment_id FROM pyrus.attachment_contents EXCEPT {FILES}") == []


@pytest.mark.parametrize(
    ("reply", "status", "attempts"),
    [
        (Reply(404), "missing", 1),
        (Reply(400, b'{"error_code": "unrecognized_attachment_id", "error": "x"}'), "missing", 1),
        (Reply(403), "denied", 1),
        (Reply(410), "denied", 1),
        (Reply(200, b"other bytes"), "corrupt", 3),
        (Reply(200, b"short", {"Content-Length": "9", "Connection": "close"}), "corrupt", 9),
        (Reply(400), "failed", 1),
    ],
)
def test_one_file_that_cannot_be_had_leaves_the_others_alone(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path, reply: Reply, status: str, attempts: int
) -> None:
    ((file,),) = query(synced, ONE)

    def script(asked: Asked) -> Reply | None:
        return reply if asked.path.endswith((f"/download/{file}", f"Id={file}")) else None

    sandbox.reconfigure(login_urls=False)
    with in_front_of(sandbox, script) as server:
        code, counts, _ = download(sandbox, synced, tmp_path / "to", PYRUS_URL=server.url, **V4)
    sandbox.reconfigure(login_urls=True)
    failed = download(sandbox, synced, tmp_path / "to")

    assert code == 6
    assert (counts[f"files_{status}"], counts["files_stored"]) == (1, counts["files_listed"] - 1)
    assert (failed[0], failed[1]["files_stored"]) == (0, 1)
    assert {(row[0], row[2]) for row in query(synced, STATUSES) if row[0] == file} == {(file, attempts + 1)}


def test_a_redirect_to_another_host_is_followed_without_the_token(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    ((file,),) = query(synced, ONE)

    with in_front_of(sandbox, lambda asked: Reply(200, contents(int(str(file))))) as other:

        def script(asked: Asked) -> Reply | None:
            is_it = asked.path.endswith(f"Id={file}")
            return Reply(302, headers={"Location": f"{other.url}/signed"}) if is_it else None

        with in_front_of(sandbox, script) as server:
            code, _, _ = download(sandbox, synced, tmp_path / "to", PYRUS_URL=server.url)

    assert code == 0
    assert [(asked.path, asked.headers.get("Authorization")) for asked in other.asked] == [("/signed", None)]


def test_contents_are_found_at_another_address_of_the_files_host(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    def script(asked: Asked) -> Reply | None:
        return Reply(404, b"<html>no such page</html>") if "/files/download/" in asked.path else None

    sandbox.reconfigure(login_urls=False)
    with in_front_of(sandbox, script) as server:
        code, counts, _ = download(sandbox, synced, tmp_path / "to", PYRUS_URL=server.url, **V4)
    sandbox.reconfigure(login_urls=True)

    assert (code, counts["files_stored"]) == (0, counts["files_listed"])


def test_a_link_to_another_host_is_followed_without_the_token(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    ((file,),) = query(synced, ONE)

    with in_front_of(sandbox, lambda asked: Reply(200, contents(int(str(file))))) as other:
        link = f"UPDATE pyrus.attachments SET download_url = '{other.url}/linked' WHERE attachment_id = {file}"
        query(synced, link)

        def script(asked: Asked) -> Reply | None:
            return Reply(404) if asked.path.endswith(f"Id={file}") else None

        with in_front_of(sandbox, script) as server:
            code, _, _ = download(sandbox, synced, tmp_path / "to", PYRUS_URL=server.url)

    assert code == 0
    assert [(asked.path, asked.headers.get("Authorization")) for asked in other.asked] == [("/linked", None)]


def test_a_link_to_a_host_that_is_gone_leaves_the_file_missing(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    ((file,),) = query(synced, ONE)
    link = f"UPDATE pyrus.attachments SET download_url = 'http://127.0.0.1:1/x' WHERE attachment_id = {file}"
    query(synced, link)

    def script(asked: Asked) -> Reply | None:
        return Reply(404) if asked.path.endswith(f"Id={file}") else None

    with in_front_of(sandbox, script) as server:
        code, counts, _ = download(sandbox, synced, tmp_path / "to", PYRUS_URL=server.url)

    assert (code, counts["files_missing"], counts["files_failed"]) == (6, 1, 0)


MEGABYTE = 1 << 20
LARGE = 5 * MEGABYTE


def large(name: str) -> bytes:
    return hashlib.shake_128(name.encode()).digest(LARGE)


def served_from(content: bytes, asked: Asked, most: int, tag: str = "", *, ranges: bool = True) -> Reply:
    """The content, or its rest if a range is asked for, which breaks off after at most `most` bytes."""
    start = int(asked.headers.get("Range", "bytes=0-")[6:-1]) if ranges else 0
    rest = content[start:]
    headers = {"Content-Length": str(len(rest)), "Connection": "close"} | ({"ETag": tag} if tag else {})
    if not start:
        return Reply(200, rest[:most], headers)
    span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return Reply(206, rest[:most], {**headers, **span})


def interrupted(name: str, asked: Asked, before: int) -> Reply:
    """An answer of a server that is known for what it does with the rest of a file, after `before` answers."""
    content, most, is_rest = large(name), 0 if before else 4 * MEGABYTE, "Range" in asked.headers
    match name:
        case "ranges":
            return served_from(content, asked, most or LARGE, '"tag"')
        case "breaks off again and again":
            return served_from(content, asked, 2 * MEGABYTE, '"tag"')
        case "no ranges":
            return served_from(content, asked, most or LARGE, ranges=False)
        case "changes" if not before:
            return served_from(content[::-1], asked, most, '"old"')
        case "changes":
            return served_from(content, asked, LARGE, '"new"', ranges=False)
        case "refuses" if is_rest:
            return Reply(416)
        case "another range" if is_rest:
            return Reply(206, content[7:], {"Content-Range": f"bytes 7-{LARGE - 1}/{LARGE}"})
    return served_from(content, asked, most or LARGE)


INTERRUPTED = {
    "ranges": (2, ["bytes", '"tag"']),
    "breaks off again and again": (None, ["bytes", '"tag"']),
    "no ranges": (2, ["bytes", None]),
    "changes": (3, ["bytes", '"old"']),
    "refuses": (3, ["bytes", None]),
    "another range": (3, ["bytes", None]),
}
"""What a server does with the rest → the requests that a file takes, if known, and Range and If-Range of the second."""


def test_a_large_file_that_breaks_off_is_continued_and_right(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    files = [str(row[0]) for row in query(synced, f"{FILES} ORDER BY 1 LIMIT {len(INTERRUPTED)}")]
    names = dict(zip(files, INTERRUPTED, strict=True))
    query(synced, f"DELETE FROM pyrus.attachments WHERE attachment_id NOT IN ({', '.join(files)})")
    for file, name in names.items():
        md5 = hashlib.md5(large(name), usedforsecurity=False).hexdigest()
        query(
            synced,
            f"UPDATE pyrus.attachments SET size_bytes = {LARGE}, md5_hash = '{md5}' WHERE attachment_id = {file}",
        )
    asked_for: dict[str, list[Asked]] = {name: [] for name in INTERRUPTED}

    def script(asked: Asked) -> Reply | None:
        name = names.get(asked.path.rpartition("Id=")[2])
        if name is None:
            return None
        asked_for[name].append(asked)
        return interrupted(name, asked, len(asked_for[name]) - 1)

    with in_front_of(sandbox, script) as server:
        code, counts, error = download(sandbox, synced, tmp_path / "to", PYRUS_URL=server.url)
    stored = files_below(tmp_path / "to")

    assert (code, counts["files_stored"]) == (0, len(names)), error
    assert {names[path.partition("/")[0]]: content for path, content in stored.items()} == {
        name: large(name) for name in INTERRUPTED
    }
    for name, (requests, second) in INTERRUPTED.items():
        headers = [asked.headers for asked in asked_for[name]]
        assert [headers[1]["Range"].partition("=")[0], headers[1].get("If-Range")] == second, name
        assert len(headers) == (requests or len(headers)), name
    starts = [int(asked.headers["Range"][6:-1]) for asked in asked_for["breaks off again and again"][1:]]
    assert sorted(set(starts)) == starts


def test_options_leave_files_out(sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path) -> None:
    every = len(query(synced, FILES))
    ((small,),) = query(synced, f"SELECT count(*) FROM ({FILES} WHERE size_bytes <= 1000) AS files")
    counts = download(sandbox, synced, tmp_path / "to", "--max-size", "1000")[1]
    none = download(sandbox, synced, tmp_path / "to", "--since", "2100-01-01", "--form", "1")[1]

    assert (counts["files_stored"], counts["files_skipped"]) == (small, every - int(str(small)))
    assert (none["files_listed"], none["files_skipped"]) == (0, every - int(str(small)))


def test_a_budget_ends_a_run_and_the_next_one_continues(sandbox: Sandbox, synced: Secret, tmp_path: Path) -> None:
    code, first, _ = download(sandbox, synced, tmp_path / "to", "--max-requests", "12")
    second = download(sandbox, synced, tmp_path / "to")[1]

    assert (code, first["status"]) == (0, "partial")
    assert 0 < first["files_stored"] < first["files_listed"]
    assert second["files_stored"] == first["files_listed"] - first["files_stored"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_download_is_continued_and_leaves_nothing_unfinished(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path, number: int
) -> None:
    ((file,),) = query(synced, ONE)
    query(synced, "UPDATE pyrus.attachments SET size_bytes = NULL, md5_hash = NULL")
    endless = Reply(200, parts=itertools.repeat(b"x" * 65536))

    def script(asked: Asked) -> Reply | None:
        return endless if asked.path.endswith(f"Id={file}") else None

    target = tmp_path / "to"
    with in_front_of(sandbox, script) as server:
        arguments = ("attachments", "download", "--to", str(target))
        with launched(*arguments, sandbox=sandbox, database=synced, PYRUS_URL=server.url) as process:
            eventually(lambda: any(size_of(path) > 1 << 20 for path in target.glob(".*.part")))
            process.send_signal(number)
            code = process.wait()
    query(synced, DEAD)
    whole = {path: content for path, content in files_below(target).items() if not path.endswith(".part")}
    ended = download(sandbox, synced, target)

    assert code == (143 if number == signal.SIGTERM else -9)
    assert all(content == contents(int(path.partition("/")[0])) for path, content in whole.items())
    assert ended[0] == 0
    assert {path.partition("/")[0] for path in files_below(target)} == {str(row[0]) for row in query(synced, FILES)}


def test_what_a_killed_download_stored_and_did_not_record_is_removed_if_its_attachment_vanishes(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    ((file,),) = query(synced, ONE)
    stored, own = tmp_path / "to" / str(file), tmp_path / "to" / "2024" / "of somebody else.txt"
    with psycopg.connect(synced.reveal()) as other:

        def script(asked: Asked) -> None:
            if asked.path.endswith(f"Id={file}"):
                other.execute("LOCK TABLE pyrus.attachment_contents IN EXCLUSIVE MODE")  # it cannot be recorded

        arguments = ("attachments", "download", "--to", str(tmp_path / "to"))
        with (
            in_front_of(sandbox, script) as server,
            launched(*arguments, sandbox=sandbox, database=synced, PYRUS_URL=server.url) as process,
        ):
            eventually(stored.exists)
            process.kill()
            process.wait()
    query(synced, DEAD)
    own.parent.mkdir()
    own.write_bytes(b"own")
    query(synced, f"DELETE FROM pyrus.attachments WHERE attachment_id = {file}")
    code = download(sandbox, synced, tmp_path / "to")[0]

    left = files_below(tmp_path / "to")
    assert code == 0
    assert {path.partition("/")[0] for path in left} == {"2024", *(str(row[0]) for row in query(synced, FILES))}
    assert query(synced, "SELECT * FROM pyrus.sync_arrivals") == []


def test_a_large_file_of_a_killed_download_is_continued(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path
) -> None:
    ((file,),) = query(synced, ONE)
    content, target, killed = large("killed"), tmp_path / "to", threading.Event()
    query(synced, f"DELETE FROM pyrus.attachments WHERE attachment_id <> {file}")
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    query(synced, f"UPDATE pyrus.attachments SET size_bytes = {LARGE}, md5_hash = '{md5}'")

    def beginning() -> Iterator[bytes]:
        yield content[: 3 * MEGABYTE]
        killed.wait()

    def script(asked: Asked) -> Reply | None:
        if not asked.path.endswith(f"Id={file}"):
            return None
        return served_from(content, asked, LARGE) if killed.is_set() else Reply(200, parts=beginning())

    with in_front_of(sandbox, script) as server:
        arguments = ("attachments", "download", "--to", str(target))
        with launched(*arguments, sandbox=sandbox, database=synced, PYRUS_URL=server.url) as process:
            eventually(lambda: any(size_of(path) >= 2 * MEGABYTE for path in target.glob(".*.part")))
            process.kill()
            process.wait()
        query(synced, DEAD)
        killed.set()
        (target / f".{'0' * 32}.part").write_bytes(b"of another file")
        code, counts, _ = download(sandbox, synced, target, PYRUS_URL=server.url)
        last = [asked for asked in server.asked if asked.path.endswith(f"Id={file}")][-1]

    assert (code, counts["files_stored"], counts["bytes"]) == (0, 1, LARGE)
    assert list(files_below(target).values()) == [content]
    assert int(last.headers["Range"].strip("bytes=-")) >= 2 * MEGABYTE
    assert verified(synced)[0] == 0


def test_contents_go_to_s3_and_unfinished_uploads_are_removed(
    sandbox: Sandbox, synced: Secret, query: Query, s3: str
) -> None:
    environment = {"AWS_ENDPOINT_URL": s3}
    ((file,),) = query(synced, ONE)
    asked_s3(s3, "POST", f"/bucket/my%20files/{file}/x?uploads")
    asked_s3(s3, "POST", "/bucket/other/x?uploads")
    code, counts, error = download(sandbox, synced, "s3://bucket/my files", **environment)
    unfinished = asked_s3(s3, "GET", "/bucket?uploads")

    assert (code, counts["files_stored"]) == (0, counts["files_listed"]), error
    assert {key.split("/")[1] for key in objects(s3, "my%20files/")} == {str(row[0]) for row in query(synced, FILES)}
    assert b"other/x" in unfinished
    assert b"my files" not in unfinished
    assert verified(synced, **environment)[1]["files_wrong"] == 0


@pytest.mark.parametrize("to", ["missing/folder", "s3://no-such-bucket/x"])
def test_a_target_that_is_missing_ends_the_run_with_a_sentence(
    sandbox: Sandbox, synced: Secret, query: Query, s3: str, to: str
) -> None:
    code, counts, error = download(sandbox, synced, to, AWS_ENDPOINT_URL=s3)

    assert (code, counts["files_stored"]) == (2, 0)
    assert "create" in error
    assert query(synced, STATUSES) == []


def test_no_room_ends_the_run_and_what_is_stored_stays(sandbox: Sandbox, synced: Secret, tmp_path: Path) -> None:
    command = command_line("attachments", "download", "--to", str(tmp_path / "to"))
    ended = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *command],
        env=program_environment(sandbox, synced, PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
    )
    code, _, _ = download(sandbox, synced, tmp_path / "to")

    assert ended.returncode == 2, ended.stderr
    assert "choose another target" in ended.stderr
    assert code == 0
    assert verified(synced)[0] == 0


MOST_MEMORY = 100 << 20
PART, PARTS = b"0123456789abcdef" * 4096, 2500
"""164 MB: held whole, it would not fit."""


@pytest.mark.parametrize("scheme", ["file", "s3"])
def test_a_large_file_needs_little_memory(
    sandbox: Sandbox, synced: Secret, query: Query, tmp_path: Path, s3: str, scheme: str
) -> None:
    query(synced, f"DELETE FROM pyrus.attachments WHERE attachment_id <> ({ONE})")
    query(synced, "UPDATE pyrus.attachments SET size_bytes = NULL, md5_hash = NULL")

    def script(asked: Asked) -> Reply | None:
        return Reply(200, parts=itertools.repeat(PART, PARTS)) if "attachment?" in asked.path else None

    target = str(tmp_path / "to") if scheme == "file" else "s3://bucket/large"
    with in_front_of(sandbox, script) as server:
        ended = measured(
            [sys.executable, "-m", "pyrus_etl", "attachments", "download", "--to", target, "--json"],
            program_environment(sandbox, synced, PYRUS_URL=server.url, AWS_ENDPOINT_URL=s3),
        )

    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout)["bytes"] == len(PART) * PARTS
    assert ended.memory < MOST_MEMORY
