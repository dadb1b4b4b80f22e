"""HTTP requests: retries, refusals, the shared login and the quota, against a sandbox and faulty servers."""

import asyncio
import gzip
import json
import re
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import pytest

from pyrus_etl.client.client import Client
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import LoginRefused, PyrusUnreachable, TaskRefused
from pyrus_etl.extract.v3.api import RestApi, client_for
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.limits.faults import Fault
from pyrus_etl.settings import Settings
from pyrus_etl.settings.retry import STANDARD
from tests.conftest import environment_of, loaded
from tests.scripted import Asked, Reply, Scripted, in_front_of, scripted

T = TypeVar("T")

PROFILE = "/restapi/profile"
NO_ACCESS = b'{"ApiException": {"Code": "BehavioralTaskAccessViolation", "Message": "No access."}}'
TOKEN = Reply(200, b'{"AccessToken": "made up"}')
ATTEMPTS = int(STANDARD.requests.attempts)


def settings(url: str, **environment: str) -> Settings:
    known = {"PYRUS_LOGIN": "robot", "PYRUS_SECURITY_KEY": "key", "PYRUS_CLIENT_ID": "client"}
    return loaded({**known, "PYRUS_URL": url, **environment})


def settings_of(sandbox: Sandbox, **environment: str) -> Settings:
    return loaded(environment_of(sandbox, None, **environment))


def asking(found: Settings, ask: Callable[[Client], Awaitable[T]]) -> tuple[T, Client]:
    """Returns the result of `ask`, and the Client that it used."""

    async def open_and_ask() -> tuple[T, Client]:
        async with client_for(found) as http:
            return await ask(http), http

    return asyncio.run(open_and_ask())


async def profile(http: Client) -> Any:
    """The content of the answer, or why it has none."""
    outcome: Answer[Any] | Failure = await http.ask(Request("GET", PROFILE, msgspec.json.decode))
    return outcome.value if isinstance(outcome, Answer) else outcome


def profiles(number: int) -> Callable[[Client], Awaitable[list[Any]]]:
    """Sends `number` requests, at most sixteen at a time."""

    async def ask(http: Client) -> list[Any]:
        gate = asyncio.Semaphore(16)

        async def one() -> Any:
            async with gate:
                return await profile(http)

        return await asyncio.gather(*(one() for _ in range(number)))

    return ask


def after_the_login(answer: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    """Answers logins with a token, and everything else with `answer`."""
    return lambda asked: TOKEN if asked.path.endswith("getaccesstoken") else answer(asked)


@pytest.mark.parametrize("kind", ["error", "unavailable", "reset", "short", "html", "limit"])
@pytest.mark.usefixtures("impatient")
def test_a_request_is_retried_after_any_faulty_answer_and_counted(kind: Fault) -> None:
    with Sandbox(World(1, tasks=1), faults=Faults(retry_after=0)) as sandbox:
        sandbox.fail(3, kind, "profile")
        answer, http = asking(settings_of(sandbox), profile)

    assert answer["Profile"]["Id"]
    assert (http.requests, http.retries) == (5, 3)


@pytest.mark.parametrize("kind", ["error", "unavailable", "reset", "short", "html"])
@pytest.mark.usefixtures("impatient")
def test_the_number_of_tries_is_limited(kind: Fault) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        sandbox.faults = Faults(every=1, kinds=(kind,), endpoints=("profile",))
        outcome, _ = asking(settings_of(sandbox), profile)

        assert isinstance(outcome, Again)
        assert sandbox.requests.endpoints["profile"] == ATTEMPTS


@pytest.mark.usefixtures("impatient")
def test_one_answer_in_eight_may_be_faulty() -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        sandbox.faults = Faults(every=8)
        answers, http = asking(settings_of(sandbox), profiles(400))

    assert len(answers) == 400
    assert 50 <= http.retries <= 70
    assert http.requests == 401 + http.retries


def test_after_429_all_requests_wait_as_long_as_retry_after_says() -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        asked_at: list[float] = []

        def refuse_the_third(asked: Asked) -> Reply | None:
            asked_at.append(time.monotonic())
            return Reply(429, b"{}", {"Retry-After": "1"}) if len(asked_at) == 3 else None

        with in_front_of(sandbox, refuse_the_third) as server:
            asking(settings_of(sandbox, PYRUS_URL=server.url, PYRUS_ETL_CONCURRENCY="1"), profiles(40))

    in_flight_or_after = [at for at in asked_at[3:] if at - asked_at[2] < 0.95]
    assert len(in_flight_or_after) <= 16
    assert asked_at[-1] - asked_at[2] >= 1


@pytest.mark.usefixtures("impatient")
def test_many_429_in_a_row_do_not_fail_a_request() -> None:
    with Sandbox(World(1, tasks=1), faults=Faults(retry_after=0)) as sandbox:
        sandbox.fail(3 * ATTEMPTS, "limit", "profile")
        answer, _ = asking(settings_of(sandbox), profile)

    assert answer["Profile"]["Id"]


def test_the_quota_is_never_exceeded() -> None:
    """That it is used fully is tested without a server, by a clock that only waits move: tests/client/test_pace.py."""
    with Sandbox(World(1, tasks=1), quota=(50, 1)) as sandbox:
        answers, http = asking(settings_of(sandbox, PYRUS_ETL_QUOTA="50/1s"), profiles(120))

        assert (len(answers), sandbox.overruns, http.retries) == (120, 0, 0)


def test_the_servers_quota_is_obeyed_if_ours_is_larger() -> None:
    with Sandbox(World(1, tasks=1), quota=(30, 1)) as sandbox:
        _, http = asking(settings_of(sandbox, PYRUS_ETL_QUOTA="5000/600s"), profiles(60))

        assert sandbox.overruns <= 32  # only what was in flight when the last slot was taken
    assert http.requests <= 61 + 32


def test_a_token_that_expires_during_a_run_is_renewed_by_one_login() -> None:
    with Sandbox(World(1, tasks=1), token_requests=100) as sandbox:
        answers, _ = asking(settings_of(sandbox), profiles(250))

        assert len(answers) == 250
        assert sandbox.requests.logins == 3


def test_a_revoked_token_is_renewed_by_a_login() -> None:
    async def ask(http: Client) -> None:
        await profile(http)
        sandbox.revoke_tokens()
        await profile(http)

    with Sandbox(World(1, tasks=1)) as sandbox:
        asking(settings_of(sandbox), ask)

        assert sandbox.requests.logins == 2


def test_a_given_token_needs_no_login_and_ends_the_run_if_it_is_revoked() -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        found = settings(sandbox.url, PYRUS_ACCESS_TOKEN=sandbox.token(), PYRUS_SECURITY_KEY="", PYRUS_LOGIN="")
        asking(found, profile)
        assert sandbox.requests.logins == 0

        sandbox.revoke_tokens()
        with pytest.raises(LoginRefused, match="RevokedToken"):
            asking(found, profile)


def test_a_wrong_key_ends_the_run_at_once() -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        with pytest.raises(LoginRefused, match="InvalidLoginOrSecurityKey"):
            asking(settings_of(sandbox, PYRUS_SECURITY_KEY="wrong"), profile)

        assert sandbox.requests.total == 1


def test_logins_are_limited_if_the_server_refuses_every_fresh_token() -> None:
    with scripted(after_the_login(lambda _: Reply(401, b"{}"))) as server:
        with pytest.raises(LoginRefused):
            asking(settings(server.url), profiles(20))

        assert server.paths.count("/restapi/getaccesstoken") <= 4


@pytest.mark.parametrize(
    "login",
    [b"{}", b"[]", b"null", b'{"AccessToken": null}', b'{"AccessToken": 5}'],
)
@pytest.mark.usefixtures("impatient")
def test_a_login_without_a_token_ends_the_run_with_a_message(login: bytes) -> None:
    with scripted(lambda asked: Reply(200, login)) as server, pytest.raises((PyrusUnreachable, LoginRefused)):
        asking(settings(server.url), profile)


@pytest.mark.parametrize("token", ["a\r\nX-Injected: 1", "a b", "ключ"])
@pytest.mark.usefixtures("impatient")
def test_a_token_that_does_not_fit_a_header_ends_the_run_with_a_message(token: str) -> None:
    login = Reply(200, json.dumps({"AccessToken": token}).encode())
    refuse_or_answer = Reply(401, b"{}")
    with scripted(lambda asked: login if asked.method == "POST" else refuse_or_answer) as server:
        with suppress(PyrusUnreachable, LoginRefused):
            outcome, _ = asking(settings(server.url), profile)
            assert isinstance(outcome, Again)

        assert not any("X-Injected" in asked.headers for asked in server.asked)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("asked_for", ["getaccesstoken", "profile"])
def test_a_redirect_is_not_followed(status: int, asked_for: str) -> None:
    with scripted(lambda _: Reply(200, b"{}")) as elsewhere:
        away = Reply(status, b"", {"Location": f"{elsewhere.url}{PROFILE}"})
        answer = after_the_login(lambda _: away) if asked_for == "profile" else lambda _: away
        with scripted(answer) as server, pytest.raises(PyrusUnreachable, match="redirect"):
            asking(settings(server.url), lambda http: RestApi(http).profile())

        assert elsewhere.asked == []


def test_a_redirect_to_itself_is_requested_once() -> None:
    with scripted(after_the_login(lambda _: Reply(302, b"", {"Location": PROFILE}))) as server:
        outcome, _ = asking(settings(server.url), profile)

        assert outcome.is_redirect
        assert server.paths.count(PROFILE) == 1


def test_a_redirect_for_one_task_refuses_only_that_task() -> None:
    """If the profile is available, the address is right and only the task is bad."""
    known = Reply(200, b'{"Profile": {"Id": 7}}')
    away = Reply(302, b"", {"Location": "/elsewhere"})
    with scripted(after_the_login(lambda asked: known if asked.path == PROFILE else away)) as server:
        with pytest.raises(TaskRefused, match="task 5: 302 redirect"):
            asking(settings(server.url), lambda http: RestApi(http).task(5))

        assert "/elsewhere" not in server.paths


@pytest.mark.parametrize("echo", ["canary\\u002B1", "canary+1"])
@pytest.mark.parametrize("body", ['{"ApiException": {"Message": "no %s"}}', '{"TaskWithNotes": {"Text": "%s"}}'])
@pytest.mark.usefixtures("impatient")
def test_a_token_that_is_echoed_instead_of_a_task_is_masked(body: str, echo: str) -> None:
    known = Reply(200, b'{"Profile": {"Id": 7}}')
    echoed = Reply(200, (body % echo).encode())
    answer = scripted(lambda asked: known if asked.path == PROFILE else echoed)
    with answer as server, pytest.raises(TaskRefused) as refusal:
        asking(settings(server.url, PYRUS_ACCESS_TOKEN="canary+1"), lambda http: RestApi(http).task(5))

    assert "canary" not in f"{refusal.value} {refusal.value.payload!r}"


@pytest.mark.usefixtures("impatient")
def test_a_host_that_refuses_connections_is_given_up_after_all_tries() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, but not listening
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(PyrusUnreachable, match="cannot be reached"):
            asking(settings(url), profile)
        with pytest.raises(PyrusUnreachable, match=f"^GET {url}{PROFILE} kept failing after all retries, last with"):
            asking(settings(url, PYRUS_ACCESS_TOKEN="token"), profile)


def test_a_host_that_never_answers_is_given_up_within_a_minute() -> None:
    last_try_begins = STANDARD.connect + STANDARD.unreachable + STANDARD.requests.longest_pause

    assert last_try_begins + STANDARD.connect < 60


def test_a_host_that_refuses_connections_at_once_gets_all_tries() -> None:
    pauses = sum(STANDARD.requests.limit(failures) for failures in range(1, ATTEMPTS))

    assert pauses < STANDARD.unreachable


@pytest.mark.parametrize(
    ("reply", "tries"),
    [
        (Reply(200, b"<!DOCTYPE html><html/>", {"Content-Type": "text/html"}), ATTEMPTS),
        (Reply(200, b"It works!"), ATTEMPTS),
        (Reply(200, b'{"status": "up"}'), 1),
        (Reply(404, b'{"error": "not found"}'), ATTEMPTS),
        (Reply(302, b"", {"Location": "/login"}), 1),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_the_error_for_a_host_that_is_not_a_pyrus_names_the_setting(reply: Reply, tries: int) -> None:
    with scripted(lambda _: reply) as server:
        with pytest.raises(PyrusUnreachable, match="PYRUS_URL"):
            asking(settings(server.url), profile)

        assert len(server.asked) == tries


@pytest.mark.parametrize("reply", [Reply(500), Reply(502, b"<html/>"), Reply(503, b"{}"), Reply(504), Reply(408)])
@pytest.mark.parametrize("account", [{}, {"PYRUS_ACCESS_TOKEN": "given"}], ids=["login", "token"])
@pytest.mark.usefixtures("impatient")
def test_a_pyrus_that_keeps_failing_is_not_mistaken_for_a_wrong_address(reply: Reply, account: dict[str, str]) -> None:
    with scripted(lambda _: reply) as server, pytest.raises(PyrusUnreachable) as error:
        asking(settings(server.url, **account), lambda http: RestApi(http).profile())

    state = "busy" if reply.status == 503 else "not available"
    assert re.search(f"{state}.*status {reply.status}.*try again later", str(error.value))
    assert "PYRUS_URL" not in str(error.value)


@pytest.mark.parametrize(
    ("status", "body", "meaning"), [(403, NO_ACCESS, Denied), (404, b"", Denied), (400, b"{}", Refused)]
)
def test_a_refused_request_is_not_retried(status: int, body: bytes, meaning: type[object]) -> None:
    with scripted(after_the_login(lambda _: Reply(status, body))) as server:
        outcome, _ = asking(settings(server.url), profile)

        assert isinstance(outcome, meaning)
        assert server.paths.count(PROFILE) == 1


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"no gzip at all"), ("gzip", gzip.compress(b'{"a": 1}', mtime=0)[:-14]), ("deflate", b"\x00\x01")],
)
@pytest.mark.usefixtures("impatient")
def test_a_request_is_retried_if_the_body_cannot_be_unpacked(
    encoding: str, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Reply(200, body, {"Content-Encoding": encoding})
    replies = [broken, broken, Reply(200, b'{"whole": true}')]
    with scripted(after_the_login(lambda _: replies.pop(0))) as server:
        answer, http = asking(settings(server.url), profile)

    assert (answer, http.retries) == ({"whole": True}, 2)


@pytest.mark.parametrize("padding", [b"", bytes(512)], ids=["", "zero bytes after it"])
def test_gzip_is_requested_and_unpacked(padding: bytes) -> None:
    packed = Reply(200, gzip.compress(b'{"whole": true}') + padding, {"Content-Encoding": "gzip"})
    with scripted(after_the_login(lambda _: packed)) as server:
        answer, _ = asking(settings(server.url), profile)

        assert answer == {"whole": True}
        assert "gzip" in server.asked[-1].headers["Accept-Encoding"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Security-Policy": "default-src " + "https://a.example " * 1000},
        {"X-Long": "a" * 100_000},
        {f"X-{number}": "a" for number in range(129)},
        {f"X-{number}": "a" * 50 for number in range(4_900)},
    ],
    ids=["18 KB", "100 KB", "129 of them", "4,900 of them"],
)
def test_headers_as_long_as_curl_reads_are_read(headers: dict[str, str]) -> None:
    with scripted(lambda asked: TOKEN._replace(headers=headers)) as server:
        answer, http = asking(settings(server.url), profile)

    assert (answer, http.retries) == ({"AccessToken": "made up"}, 0)


@pytest.mark.parametrize("headers", [{"X-Long": "a" * 200_000}, {f"X-{number}": "a" for number in range(6_000)}])
@pytest.mark.usefixtures("impatient")
def test_endless_headers_are_refused(headers: dict[str, str]) -> None:
    answer = scripted(lambda asked: TOKEN._replace(headers=headers))
    with answer as server, pytest.raises(PyrusUnreachable, match="its header is too long"):
        asking(settings(server.url), profile)


@pytest.mark.parametrize("good", [20, 60_000])
def test_a_task_without_an_id_makes_a_list_of_any_length_invalid(good: int) -> None:
    rows = b'{"Id":7,"ModifiedDate":null},' * good + b'{"Id":"bad"},' + b'{"Id":8},' * good + b'{"Id":9}'
    answer = after_the_login(lambda asked: Reply(200, b'{"Tasks":[%s]}' % rows))

    with scripted(answer) as server, pytest.raises(PyrusUnreachable):
        asking(settings(server.url), lambda http: RestApi(http).all_tasks())
    assert len(server.asked) == 2  # with the login


def test_the_clock_is_that_of_the_server() -> None:
    with scripted(after_the_login(lambda _: Reply(200, b"{}", {"Date": "Wed, 21 Oct 2026 07:28:00 GMT"}))) as server:
        _, http = asking(settings(server.url), profile)

    assert http.server_time == datetime(2026, 10, 21, 7, 28, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "yesterday", "21 Oct 2026", "Wed, 99 Oct 2026 07:28:00 GMT", "\x7f"])
def test_our_clock_is_used_if_the_server_has_no_readable_date(date: str) -> None:
    with scripted(after_the_login(lambda _: Reply(200, b"{}", {"Date": date}))) as server:
        _, http = asking(settings(server.url), profile)

    assert abs((datetime.now(UTC) - http.server_time).total_seconds()) < 5


def test_the_token_is_sent_in_the_header_and_the_key_only_in_the_login() -> None:
    def sent(server: Scripted) -> list[Asked]:
        asking(settings(server.url, PYRUS_SECURITY_KEY="canary"), profile)
        return server.asked

    with scripted(after_the_login(lambda _: Reply(200, b"{}"))) as server:
        login, request = sent(server)

    assert json.loads(login.body) == {"Login": "robot", "SecurityKey": "canary", "ClientId": "client"}
    assert "Authorization" not in login.headers
    assert request.headers["Authorization"] == "Bearer made up"
    assert "canary" not in f"{request.headers} {request.body!r} {login.path} {login.headers}"


def test_cookies_are_neither_stored_nor_sent() -> None:
    async def ask_twice(http: Client) -> None:
        await profile(http)
        await profile(http)

    with scripted(after_the_login(lambda _: Reply(200, b"{}", {"Set-Cookie": "session=1; Path=/"}))) as server:
        asking(settings(server.url), ask_twice)

        assert not any("Cookie" in asked.headers for asked in server.asked)


def test_the_setting_limits_the_requests_in_flight() -> None:
    async def ask(http: Client) -> None:
        await asyncio.gather(*(profile(http) for _ in range(40)))

    with Sandbox(World(1, tasks=1)) as sandbox:
        sandbox.faults = Faults(slow=1.0, seconds=0.02)
        asking(settings_of(sandbox, PYRUS_ETL_CONCURRENCY="3"), ask)

        assert sandbox.requests.peak <= 3


def test_slots_are_first_come_first_served() -> None:
    async def ask(http: Client) -> int:
        answered = 0

        async def others() -> None:
            nonlocal answered
            while True:
                await profile(http)
                answered += 1

        busy = [asyncio.create_task(others()) for _ in range(2)]
        await profile(http)
        before = answered
        await asyncio.wait_for(profile(http), 60)
        for each in busy:
            each.cancel()
        return answered - before

    with Sandbox(World(1, tasks=1)) as sandbox:
        requests_before, _ = asking(settings_of(sandbox, PYRUS_ETL_CONCURRENCY="2"), ask)

    assert requests_before < 100
