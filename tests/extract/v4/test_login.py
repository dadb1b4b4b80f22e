"""The login of API v4: where it goes, what its answer grants, and one sentence with the remedy for each refusal."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.client.client import Client
from pyrus_etl.client.dialect import ApiError
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, TokenRefused, Unreadable
from pyrus_etl.client.network.file import Download
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.apis import api_of
from pyrus_etl.extract.v4.api import ApiV4, client_for
from pyrus_etl.extract.v4.login import login
from pyrus_etl.model.person import Profile
from pyrus_etl.settings import load_settings
from tests.certificates import new_authority
from tests.conftest import loaded
from tests.registers import using
from tests.scripted import Asked, Reply, Scripted, scripted

ACCOUNT = {"PYRUS_LOGIN": "bot@example.com", "PYRUS_SECURITY_KEY": "canary"}
NO_REASON = ApiError()
EXPIRED = Reply(401, b'{"error_code": "revoked_token", "error": "Authorization token has been revoked."}')


def granted(answer: dict[str, Any], **environment: str) -> tuple[Request[Any], Any]:
    """The request of a login, and what it grants if this is the answer."""
    sent: list[Request[Any]] = []

    async def ask(request: Request[Any]) -> Answer[Any] | Failure:
        sent.append(request)
        return Answer(request.read(json.dumps(answer).encode()), None, "")  # type: ignore[arg-type] # no date is read

    grant = asyncio.run(login(ask, load_settings({}, {**ACCOUNT, **environment})))
    return sent[0], grant


def test_the_cloud_has_a_host_for_logins_and_names_the_others() -> None:
    answer = {"access_token": "t", "api_url": "https://api.pyrus.com/v4/", "files_url": "https://files.pyrus.com/"}
    request, grant = granted(answer)

    assert request.path == "https://accounts.pyrus.com/api/v4/auth"
    assert request.json == {"login": "bot@example.com", "security_key": "canary"}
    assert (grant.token.reveal(), grant.address, grant.others) == (
        "t",
        "https://api.pyrus.com/v4",
        ("https://files.pyrus.com",),
    )


@pytest.mark.parametrize("url", ["https://pyrus.com", "https://Pyrus.com:443/"])
def test_the_cloud_is_known_by_its_host(url: str) -> None:
    request, grant = granted({"access_token": "t"}, PYRUS_URL=url)

    assert request.path == "https://accounts.pyrus.com/api/v4/auth"
    assert (grant.address, grant.others) == ("https://api.pyrus.com/v4", ("https://files.pyrus.com",))


def test_a_server_of_ones_own_may_name_no_addresses() -> None:
    request, grant = granted({"access_token": "t"}, PYRUS_URL="https://pyrus.example:8443", PYRUS_PERSON_ID="17")

    assert request.path == "https://pyrus.example:8443/api/v4/auth"
    assert request.json["person_id"] == 17
    assert (grant.address, grant.others) == ("https://pyrus.example:8443/api/v4", ())


@pytest.mark.parametrize("url", ["http://api.example/v4", "ftp://x/", "https://", "https://user@x", "javascript:1"])
def test_an_address_that_is_not_https_gets_no_token(url: str) -> None:
    with pytest.raises(PyrusUnreachable, match=r"api_url .*not a plain https address.*check PYRUS_URL"):
        granted({"access_token": "t", "api_url": url})


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        (
            TokenRefused(ApiError("invalid_credentials", "No.")),
            LoginRefused,
            "check PYRUS_LOGIN and PYRUS_SECURITY_KEY",
        ),
        (TokenRefused(ApiError("non_unique_email", "No.")), LoginRefused, "set PYRUS_PERSON_ID"),
        (Denied(403, ApiError("account_blocked", "No.")), LoginRefused, "ask an administrator of Pyrus to unblock it"),
        (Refused(400, NO_REASON), LoginRefused, "login of bot@example.com: 400 no reason given; check PYRUS_LOGIN"),
        (Denied(404, NO_REASON), PyrusUnreachable, "has no login of API v4 .*check PYRUS_URL and PYRUS_API"),
        (Refused(302, NO_REASON), PyrusUnreachable, "has no login of API v4"),
        (Again("status 503"), PyrusUnreachable, r"accounts.pyrus.com is busy \(status 503\); try again later"),
        (Again("HTML", b"<html>"), PyrusUnreachable, "does not answer a login as Pyrus does"),
        (Unreadable("no token", b"{}"), PyrusUnreachable, "does not answer a login as Pyrus does"),
    ],
    ids=str,
)
def test_each_failure_is_one_sentence_with_its_remedy(failure: Failure, error: type[Exception], message: str) -> None:
    async def ask(_: Request[Any]) -> Answer[Any] | Failure:
        return failure

    with pytest.raises(error, match=message):
        asyncio.run(login(ask, load_settings({}, ACCOUNT)))


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"PYRUS_LOGIN": ""}, "^PYRUS_LOGIN is missing; set "),
        ({"PYRUS_SECURITY_KEY": ""}, "^PYRUS_SECURITY_KEY is missing; set "),
        (dict.fromkeys(ACCOUNT, ""), "No login is given"),
    ],
)
def test_a_login_needs_its_settings(missing: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        granted({}, **missing)


@pytest.mark.parametrize(
    ("environment", "api"),
    [({}, "v4"), ({"PYRUS_CLIENT_ID": "1"}, "v3"), ({"PYRUS_CLIENT_ID": "1", "PYRUS_API": "v4"}, "v4")],
    ids=str,
)
def test_a_client_id_means_v3_unless_the_setting_says_otherwise(environment: dict[str, str], api: str) -> None:
    assert api_of(load_settings({}, environment)).open.__name__ == {"v3": "RestApi", "v4": "ApiV4"}[api]


def profile(server: Scripted, **environment: str) -> Profile:
    return using(loaded({"PYRUS_URL": server.url, **ACCOUNT, **environment}), lambda source: source.profile())


def test_the_addresses_of_a_login_are_followed_and_only_their_origins_get_the_token() -> None:
    with scripted(lambda _: Reply(200, b'{"person_id": 7}')) as api, scripted(lambda _: Reply(200)) as files:

        def answer(_: Asked) -> Reply:
            urls = {"api_url": f"{api.url}/v4/", "files_url": f"{files.url}/"}
            return Reply(200, json.dumps({"access_token": "tok", **urls}).encode())

        async def use(http: Client) -> None:
            await ApiV4(http).profile()
            for url in (f"{files.url}/1", f"{elsewhere.url}/1"):
                async with http.stream(url) as file:
                    assert isinstance(file, Download)

        async def open_client() -> None:
            async with client_for(loaded({"PYRUS_URL": accounts.url, **ACCOUNT})) as http:
                await use(http)

        with scripted(answer) as accounts, scripted(lambda _: Reply(200)) as elsewhere:
            asyncio.run(open_client())

            assert accounts.paths == ["/api/v4/auth"]
            assert api.paths == ["/v4/profile"]
            tokens = [server.asked[0].headers.get("Authorization") for server in (accounts, api, files, elsewhere)]
            assert tokens == [None, "Bearer tok", "Bearer tok", None]


def test_a_redirect_is_not_followed_with_the_token() -> None:
    with scripted(lambda _: Reply(200, b'{"person_id": 7}')) as elsewhere:
        moved = Reply(302, headers={"Location": f"{elsewhere.url}/api/v4/profile"})
        with scripted(lambda _: moved) as server, pytest.raises(PyrusUnreachable, match=r"302 .*PYRUS_URL"):
            profile(server, PYRUS_ACCESS_TOKEN="canary")

        assert elsewhere.asked == []


def test_a_revoked_token_means_one_login_for_all_requests() -> None:
    tokens = iter(["old", "new"])

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/auth"):
            return Reply(200, json.dumps({"access_token": next(tokens)}).encode())
        is_new = asked.headers["Authorization"] == "Bearer new"
        return Reply(200, b'{"person_id": 7}') if is_new else EXPIRED

    async def ask_at_once(source: ApiV4) -> list[int]:
        return [each.id for each in await asyncio.gather(*(source.profile() for _ in range(8)))]

    with scripted(answer) as server:
        assert using(loaded({"PYRUS_URL": server.url, **ACCOUNT}), ask_at_once) == [7] * 8
        assert server.paths.count("/api/v4/auth") == 2


def test_a_token_that_is_revoked_again_ends_the_run() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(200, b'{"access_token": "opaque"}') if asked.path.endswith("/auth") else EXPIRED

    with scripted(answer) as server:
        with pytest.raises(LoginRefused, match=r"fresh login too: revoked_token"):
            profile(server)
        assert server.paths.count("/api/v4/auth") == 2


def test_a_given_token_that_is_refused_says_to_get_a_new_one() -> None:
    with scripted(lambda _: EXPIRED) as server, pytest.raises(LoginRefused, match=r"revoked_token .*get a new one"):
        profile(server, PYRUS_ACCESS_TOKEN="canary")


def test_a_bot_that_was_blocked_in_the_middle_of_a_run_is_named() -> None:
    blocked = Reply(401, b'{"error_code": "account_blocked", "error": "Blocked."}')

    with scripted(lambda _: blocked) as server, pytest.raises(LoginRefused, match=r"bot@example.com.*blocked or fired"):
        profile(server)


def test_a_certificate_that_is_signed_by_itself_says_how_to_trust_it(tmp_path: Path) -> None:
    tls = new_authority(tmp_path).vouches_for("localhost")

    with (
        scripted(lambda _: Reply(200), tls) as server,
        pytest.raises(PyrusUnreachable, match=r"not trusted .*SSL_CERT_FILE"),
    ):
        profile(server)
