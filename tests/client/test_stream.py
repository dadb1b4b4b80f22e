"""Files: streamed in little memory, of any type, with the token for the API alone."""

import asyncio
import hashlib
import itertools
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from yarl import URL

from pyrus_etl.client.client import Client
from pyrus_etl.client.dialect import ApiError
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused
from pyrus_etl.client.network.file import Download, followed
from pyrus_etl.errors import BodyCut, BodyTooLarge, BudgetSpent, LoginRefused, PyrusUnreachable
from pyrus_etl.extract.v3.api import client_for
from pyrus_etl.settings import Settings
from pyrus_etl.settings.retry import STANDARD
from tests.conftest import loaded
from tests.measured import measured
from tests.runs import program_environment
from tests.scripted import Asked, Reply, Script, scripted

T = TypeVar("T")

FILE = "/services/attachment?Id=5"
TOKEN = {"PYRUS_ACCESS_TOKEN": "canary"}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
ATTEMPTS = int(STANDARD.requests.attempts)
CUT = {"Content-Length": "1000", "Connection": "close"}

pytestmark = pytest.mark.usefixtures("impatient")


def settings(url: str, **environment: str) -> Settings:
    return loaded({**TOKEN, "PYRUS_URL": url, **environment})


def using(found: Settings, use: Callable[[Client], Awaitable[T]], **options: Any) -> tuple[T, Client]:
    async def open_and_use() -> tuple[T, Client]:
        async with client_for(found, **options) as client:
            return await use(client), client

    return asyncio.run(open_and_use())


def fetched(server: str, url: str = FILE, **options: Any) -> tuple[bytes | Failure, Client]:
    """The content of a file, or why it cannot be had."""

    async def use(client: Client) -> bytes | Failure:
        async with client.stream(url, **options) as file:
            return b"".join([chunk async for chunk in file.chunks]) if isinstance(file, Download) else file

    return using(settings(server), use)


def in_turn(*replies: Reply) -> Script:
    """Each reply once, then the last one again and again."""
    left = list(replies)
    return lambda _: left.pop(0) if left[1:] else left[0]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/html", b"<!DOCTYPE html><html>a page</html>"),
        ("image/svg+xml", SVG),
        ("application/json", b'{"ApiException": {"Code": "not an error, but the file"}}'),
        ("text/plain; charset=windows-1251", "Привет".encode("windows-1251")),
        ("text/plain; charset=utf-16", "\ufeffПривет".encode("utf-16")),
        ("application/octet-stream", bytes(range(256)) * 1000),
        ("application/octet-stream", b""),
    ],
)
def test_a_file_of_any_type_comes_as_it_is_and_at_once(media_type: str, body: bytes) -> None:
    with scripted(lambda _: Reply(200, body, {"Content-Type": media_type})) as server:
        content, client = fetched(server.url)

    assert content == body
    assert (client.requests, client.retries) == (1, 0)


def test_the_type_and_the_length_are_known_before_the_content() -> None:
    async def use(client: Client) -> tuple[object, ...]:
        async with client.stream(FILE) as file:
            assert isinstance(file, Download)
            return file.status, file.media_type, file.headers["Content-Length"]

    with scripted(lambda _: Reply(200, SVG, {"Content-Type": "image/svg+xml"})) as server:
        known, _ = using(settings(server.url), use)

    assert known == (200, "image/svg+xml", str(len(SVG)))


def test_the_token_is_sent_and_anything_is_accepted() -> None:
    with scripted(lambda _: Reply(200, SVG)) as server:
        fetched(server.url)

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", FILE)
    assert asked.headers["Authorization"] == "Bearer canary"
    assert (asked.headers["Accept"], asked.headers["Accept-Encoding"]) == ("*/*", "identity")


DOWNLOADER = """
import asyncio, hashlib, sys
from pyrus_etl.extract.v3.api import client_for
from pyrus_etl.settings import load_settings

async def main():
    digest, size = hashlib.sha256(), 0
    async with client_for(load_settings({})) as client, client.stream("/file") as file:
        async for chunk in file.chunks:
            digest.update(chunk)
            size += len(chunk)
    print(size, digest.hexdigest())

asyncio.run(main())
"""
PART, PARTS = b"0123456789abcdef" * 4096, 4800
"""300 MB."""
MOST_MEMORY = 150 << 20


def test_a_file_of_300_mb_is_read_in_little_memory() -> None:
    with scripted(lambda _: Reply(200, parts=itertools.repeat(PART, PARTS))) as server:
        ended = measured(
            [sys.executable, "-c", DOWNLOADER], program_environment(None, None, **TOKEN, PYRUS_URL=server.url)
        )

    digest = hashlib.sha256()
    for _ in range(PARTS):
        digest.update(PART)
    assert ended.code == 0, ended.stderr
    assert ended.stdout == f"{len(PART) * PARTS} {digest.hexdigest()}"
    assert ended.memory < MOST_MEMORY


@pytest.mark.parametrize(
    "faulty",
    [
        Reply(500),
        Reply(503, b"<html>busy</html>"),
        Reply(408),
        Reply(200, b"", CUT),
        Reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
    ],
    ids=["500", "503", "408", "cut before the first byte", "cannot be unpacked"],
)
def test_what_fails_before_the_first_byte_is_tried_again(faulty: Reply) -> None:
    with scripted(in_turn(faulty, faulty, Reply(200, SVG))) as server:
        content, client = fetched(server.url)

    assert content == SVG
    assert (client.requests, client.retries) == (3, 2)


def test_the_number_of_tries_is_limited() -> None:
    with scripted(lambda _: Reply(503)) as server:
        outcome, client = fetched(server.url)

    assert outcome == Again("status 503")
    assert client.requests == ATTEMPTS


def test_a_file_that_breaks_off_raises_an_error_with_the_bytes_that_came() -> None:
    async def use(client: Client) -> tuple[bytes, BodyCut]:
        content = b""
        async with client.stream(FILE) as file:
            assert isinstance(file, Download)
            try:
                async for chunk in file.chunks:
                    content += chunk
            except BodyCut as cut:
                return content, cut
        raise AssertionError("the file did not break off")

    with scripted(lambda _: Reply(200, b"12345678", CUT)) as server:
        (content, cut), client = using(settings(server.url), use)

    assert (content, cut.received, cut.exit_code) == (b"12345678", 8, 4)
    assert re.match(r"GET http://127\S+/services/attachment broke off after 8 bytes \(.+\); try again", str(cut))
    assert client.requests == 1


def test_the_caller_fetches_the_rest_with_a_range() -> None:
    def script(asked: Asked) -> Reply:
        if asked.headers.get("Range") == "bytes=8-":
            return Reply(206, b"9", {"Content-Range": "bytes 8-8/9"})
        return Reply(200, b"12345678", CUT)

    with scripted(script) as server:
        with pytest.raises(BodyCut) as cut:
            fetched(server.url)
        rest, _ = fetched(server.url, headers={"Range": f"bytes={cut.value.received}-"})

    assert rest == b"9"


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"x" * 101), Reply(200, parts=[b"x" * 60, b"x" * 60])],
    ids=["its length is given", "its length is not given"],
)
def test_a_file_above_the_callers_limit_is_an_error(reply: Reply) -> None:
    with scripted(lambda _: reply) as server, pytest.raises(BodyTooLarge, match="more than 100 bytes"):
        fetched(server.url, most=100)


def test_a_file_of_just_the_limit_is_read() -> None:
    with scripted(lambda _: Reply(200, b"x" * 100)) as server:
        assert fetched(server.url, most=100)[0] == b"x" * 100


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (403, b"<html>no</html>", Denied(403, ApiError())),
        (404, b"", Denied(404, ApiError())),
        (410, b"{}", Denied(410, ApiError())),
        (400, b'{"ApiException": {"Code": "BehavioralUnrecognizedAttachmentId", "Message": "No canary."}}',
         Refused(400, ApiError("BehavioralUnrecognizedAttachmentId", "No (secret)."))),
        (416, b"", Refused(416, ApiError())),
    ],
)  # fmt: skip
def test_a_refusal_is_final_and_its_status_decides(status: int, body: bytes, meant: Failure) -> None:
    with scripted(lambda _: Reply(status, body)) as server:
        outcome, client = fetched(server.url)

    assert outcome == meant
    assert client.requests == 1


def test_429_makes_all_requests_wait() -> None:
    with scripted(in_turn(Reply(429, b"{}", {"Retry-After": "1"}), Reply(200, SVG))) as server:
        begun = time.monotonic()
        content, client = fetched(server.url)

    assert content == SVG
    assert time.monotonic() - begun >= 1
    assert client.retries == 1


def test_an_expired_token_is_renewed_by_a_login() -> None:
    numbers = itertools.count(1)

    def script(asked: Asked) -> Reply:
        if asked.path.endswith("getaccesstoken"):
            return Reply(200, json.dumps({"AccessToken": f"token {next(numbers)}"}).encode())
        return Reply(200, SVG) if asked.headers.get("Authorization") == "Bearer token 2" else Reply(401)

    account = {"PYRUS_LOGIN": "robot", "PYRUS_SECURITY_KEY": "key", "PYRUS_CLIENT_ID": "client"}

    async def use(client: Client) -> int:
        async with client.stream(FILE) as file:
            assert isinstance(file, Download)
            return len([chunk async for chunk in file.chunks])

    with scripted(script) as server:
        chunks, _ = using(settings(server.url, PYRUS_ACCESS_TOKEN="", **account), use)

    assert chunks == 1
    assert [asked.path for asked in server.asked].count("/restapi/getaccesstoken") == 2


def test_a_refused_token_that_cannot_be_renewed_ends_the_run() -> None:
    with scripted(lambda _: Reply(401)) as server, pytest.raises(LoginRefused):
        fetched(server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_followed_without_the_token(status: int) -> None:
    with scripted(lambda _: Reply(200, SVG)) as store:
        away = Reply(status, b"moved", {"Location": f"{store.url}/bucket/5?signature=a%2Fb"})
        with scripted(lambda _: away) as server:
            content, client = fetched(server.url)

    assert content == SVG
    assert "Authorization" in server.asked[0].headers
    (asked,) = store.asked
    assert (asked.path, "Authorization" in asked.headers) == ("/bucket/5?signature=a%2Fb", False)
    assert "canary" not in str(asked)
    assert client.requests == 1  # those to Pyrus


def test_a_redirect_within_the_api_keeps_the_token() -> None:
    def script(asked: Asked) -> Reply:
        return Reply(200, SVG) if asked.path == "/there" else Reply(302, b"", {"Location": "/there"})

    with scripted(script) as server:
        content, client = fetched(server.url)

    assert content == SVG
    assert [asked.headers["Authorization"] for asked in server.asked] == ["Bearer canary"] * 2
    assert client.requests == 2


def test_an_address_at_another_host_is_asked_without_the_token_and_without_a_login() -> None:
    with scripted(lambda _: Reply(200, SVG)) as store, scripted(lambda _: Reply(500)) as server:
        content, _ = fetched(server.url, f"{store.url}/5")

    assert content == SVG
    assert server.asked == []
    assert "Authorization" not in store.asked[0].headers


@pytest.mark.parametrize(
    ("status", "meaning"), [(401, Refused), (403, Denied), (404, Denied), (429, Again), (500, Again), (300, Refused)]
)
def test_another_hosts_refusal_concerns_neither_our_token_nor_our_quota(status: int, meaning: type[object]) -> None:
    dated = {"Date": "Wed, 21 Oct 2037 07:28:00 GMT", "Retry-After": "3000", "X-RateLimit-Remaining": "0"}
    with (
        scripted(lambda _: Reply(status, b"no", {**dated, "X-RateLimit-Reset": "3000"})) as store,
        scripted(lambda _: Reply(302, b"", {"Location": store.url})) as server,
    ):
        outcome, client = fetched(server.url)

    assert isinstance(outcome, meaning)
    assert client.pace.hold.until <= time.monotonic()
    assert client.server_time.year < 2037


def test_an_origin_that_the_login_names_gets_the_token_too() -> None:
    async def use(client: Client) -> None:
        client.add_origin(f"{files.url}/api/v4/")
        async with client.stream(f"{files.url}/5") as file:
            assert isinstance(file, Download)

    with scripted(lambda _: Reply(200, SVG)) as files, scripted(lambda _: Reply(500)) as server:
        _, client = using(settings(server.url), use)

    assert files.asked[0].headers["Authorization"] == "Bearer canary"
    assert client.requests == 1


def test_an_endless_redirect_is_given_up() -> None:
    with scripted(lambda _: Reply(302, b"", {"Location": FILE})) as server:
        outcome, client = fetched(server.url)

    assert isinstance(outcome, Refused)
    assert "302 redirect (too many in a row" in str(outcome)
    assert client.requests == 6


@pytest.mark.parametrize(
    ("start", "location", "target"),
    [
        ("https://pyrus.com/a", "https://store.example/b?c=d%2Fe", "https://store.example/b?c=d%2Fe"),
        ("https://pyrus.com/a", "/b", "https://pyrus.com/b"),
        ("https://pyrus.com/a", "//store.example/b", "https://store.example/b"),
        ("https://pyrus.com/a", "http://store.example/b", None),
        ("https://pyrus.com/a", "http://127.0.0.1/b", None),
        ("https://pyrus.com/a", "file:///etc/passwd", None),
        ("https://pyrus.com/a", "ftp://store.example/b", None),
        ("https://pyrus.com/a", "https://store.example/é b", "https://store.example/%C3%A9%20b"),
        ("https://pyrus.com/a", "http://[", None),
        ("https://pyrus.com/a", "https://store.example:99999/b", None),
        ("https://pyrus.com/a", "https://store.example:port/b", None),
        ("http://127.0.0.1:8080/a", "http://127.0.0.1:9000/b", "http://127.0.0.1:9000/b"),
        ("http://127.0.0.1:8080/a", "http://store.example/b", None),
        ("http://127.0.0.1:8080/a", "https://store.example/b", "https://store.example/b"),
    ],
)
def test_a_redirect_leads_to_https_or_stays_on_loopback(start: str, location: str, target: str | None) -> None:
    assert str(followed(URL(start), location)) == str(target)


def test_a_plain_address_at_another_host_is_not_asked() -> None:
    with scripted(lambda _: Reply(200, SVG)) as server:
        outcome, client = fetched(server.url, "http://store.example/5")

    assert isinstance(outcome, Refused)
    assert "neither https nor on loopback" in str(outcome)
    assert client.requests == 0


def test_a_spent_budget_is_known_before_the_request() -> None:
    with scripted(lambda _: Reply(200, SVG)) as server, pytest.raises(BudgetSpent):
        fetched_twice(server.url)

    assert len(server.asked) == 1


def fetched_twice(url: str) -> None:
    async def use(client: Client) -> None:
        for _ in range(2):
            async with client.stream(FILE) as file:
                assert isinstance(file, Download)

    using(settings(url), use, most_requests=1)


def test_a_file_takes_a_slot_until_its_block_ends() -> None:
    async def use(client: Client) -> list[int]:
        async def one() -> int:
            async with client.stream(FILE) as file:
                assert isinstance(file, Download)
                open_now.append(1)
                most = len(open_now)
                await asyncio.sleep(0.01)
                assert [chunk async for chunk in file.chunks] == [SVG]
                open_now.pop()
                return most

        open_now: list[int] = []
        return await asyncio.gather(*(one() for _ in range(8)))

    with scripted(lambda _: Reply(200, SVG)) as server:
        most, _ = using(settings(server.url, PYRUS_ETL_CONCURRENCY="3"), use)

    assert max(most) == 3


def test_a_file_left_early_leaves_nothing_open() -> None:
    async def use(client: Client) -> bytes:
        for _ in range(4):
            async with client.stream(FILE) as file:
                assert isinstance(file, Download)
                first = await anext(aiter(file.chunks))
        return first

    with scripted(lambda _: Reply(200, parts=itertools.repeat(PART, 1000))) as server:
        first, _ = using(settings(server.url, PYRUS_ETL_CONCURRENCY="1"), use)

    assert PART.startswith(first[:16])


def test_no_message_shows_the_query_of_a_signed_address() -> None:
    with scripted(lambda _: Reply(200, b"1234", CUT)) as store, pytest.raises(BodyCut) as cut:
        fetched("http://127.0.0.1:1", f"{store.url}/5?X-Amz-Signature=canary")

    assert "canary" not in str(cut.value)


def test_a_host_that_refuses_connections_is_named() -> None:
    message = r"^GET http://127\.0\.0\.1:1/5 kept failing .*check the address of the file"
    with pytest.raises(PyrusUnreachable, match=message):
        fetched("http://127.0.0.1:2", "http://127.0.0.1:1/5?signature=canary")
