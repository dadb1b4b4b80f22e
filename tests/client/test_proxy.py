"""Proxies: their addresses, requests through them, and the errors if one refuses."""

import asyncio
import json
import re
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from pyrus_etl.client.meaning import Again
from pyrus_etl.client.network.proxy import VARIABLES, proxy_for
from pyrus_etl.client.request import Request
from pyrus_etl.errors import SettingsError
from pyrus_etl.extract.v3.api import client_for
from pyrus_etl.settings import Secret
from tests.certificates import Authority, new_authority
from tests.conftest import loaded
from tests.proxies import proxying, refusal
from tests.runs import program
from tests.scripted import Reply, scripted
from tests.typing import Query

PYRUS = "https://pyrus.example"
ACCOUNT: dict[str, Any] = {
    "PYRUS_URL": PYRUS,
    "PYRUS_LOGIN": "robot",
    "PYRUS_SECURITY_KEY": "key",
    "PYRUS_CLIENT_ID": "client",
}


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example", "http://proxy.example"),
        ("  HTTP://proxy.example:3128/  ", "http://proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("[fd00::1]:8080", "http://[fd00::1]:8080"),
        ("squid_1.corp.:3128", "http://squid_1.corp.:3128"),
    ],
)
def test_the_address_of_a_proxy_is_read_as_curl_does(text: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    proxy = proxy_for(PYRUS)

    assert proxy
    assert (str(proxy.url), proxy.headers) == (url, {})


@pytest.mark.parametrize("scheme", ["", "http://", "https://"])
@pytest.mark.parametrize(
    ("written", "user", "password"),
    [
        ("ann:word", "ann", "word"),
        ("ann", "ann", ""),
        (":word", "", "word"),
        ("ann:wo:r:d", "ann", "wo:r:d"),
        ("ann:se@cr@et", "ann", "se@cr@et"),
        ("ann:se/cr?e#t", "ann", "se/cr?e#t"),
        ("ann:http://word", "ann", "http://word"),
        ("ann:100%sure", "ann", "100%sure"),
        ("ann:ключ", "ann", "ключ"),
        ("an%40corp:se%2Fcr%25et%3A", "an@corp", "se/cr%et:"),
        ("CORP\\ann:word", "CORP\\ann", "word"),
    ],
)
def test_user_and_password_are_only_in_the_header(
    scheme: str, written: str, user: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}{written}@proxy.example:3128")
    proxy = proxy_for(PYRUS)

    assert proxy
    assert proxy.headers == {"Proxy-Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
    assert (proxy.url.host, proxy.url.user, proxy.url.password) == ("proxy.example", None, None)
    assert not any(secret in f"{proxy} {proxy!r}" for secret in ("ann", password or "ann"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("socks5://ann:canary@proxy.example:1080", "HTTPS_PROXY names a SOCKS proxy"),
        ("socks5h://proxy.example:1080", "HTTPS_PROXY names a SOCKS proxy"),
        ("socks4a://proxy.example", "HTTPS_PROXY names a SOCKS proxy"),
        ("SOCKS://ann:canary@proxy.example", "HTTPS_PROXY names a SOCKS proxy"),
        ("ftp://ann:canary@proxy.example", "HTTPS_PROXY names a proxy of an unknown kind"),
        ("http://ann:canary@proxy.example:99999", "HTTPS_PROXY has no valid host and port"),
        ("http://ann:canary@proxy.example:0", "HTTPS_PROXY has no valid host and port"),
        ("http://ann:canary@proxy.example:3l28", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:canary@", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:canary", "HTTPS_PROXY is not the address of a proxy"),
        ("ann:canary", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:ca nary@pro xy", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:canary@[::1", "HTTPS_PROXY is not the address of a proxy"),
        ("'http://ann:canary@proxy'", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:canary@a.example:1,b.example:2", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:can\x07ary@proxy.example", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:canary@\ufeffproxy.example", "HTTPS_PROXY is not the address of a proxy"),
        ("http://", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ann:p@canary/word@proxy.example:port", "HTTPS_PROXY is not the address of a proxy"),
        ("ann:p@canary:1/word@proxy.example:port", "HTTPS_PROXY is not the address of a proxy"),
        ("ann:p@canary/wo@rd@[::1", "HTTPS_PROXY is not the address of a proxy"),
    ],
)
def test_an_invalid_address_is_refused_without_being_shown(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    with pytest.raises(SettingsError, match=f"^{message}.*write it as in|^{message}.*set an HTTP proxy") as refused:
        proxy_for(PYRUS)

    assert "canary" not in repr(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "a"}, "a:80"),
        ({"ALL_PROXY": "a"}, "a:80"),
        ({"HTTP_PROXY": "a"}, None),
        ({"HTTPS_PROXY": "a", "https_proxy": "b", "ALL_PROXY": "c"}, "b:80"),
        ({"https_proxy": " ", "HTTPS_PROXY": "a"}, "a:80"),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "pyrus.example"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "other.example, .example"}, None),
        ({"HTTPS_PROXY": "a", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "pyrus.example:443"}, None),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "pyrus.example:8443"}, "a:80"),
        ({"HTTPS_PROXY": "a", "NO_PROXY": "rus.example,10.0.0.0/8"}, "a:80"),
    ],
)
def test_the_priority_of_the_variables(
    environment: dict[str, str], address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(PYRUS)

    assert (proxy and proxy.address) == address


@pytest.mark.parametrize(
    "origin", ["https://10.1.2.3", "https://10.1.2.3:8443", "https://[fd00::1]", "https://127.0.0.1"]
)
def test_loopback_and_networks_in_no_proxy_are_reached_directly(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example")
    monkeypatch.setenv("NO_PROXY", "pyrus.example, 10.0.0.0/8,fd00::/8")

    assert proxy_for(origin) is None


def test_requests_go_through_a_tunnel_that_is_opened_with_the_password(authority: Authority, database: Secret) -> None:
    known = {"/restapi/getaccesstoken": b'{"AccessToken": "a token"}', "/restapi/profile": b'{"Profile": {"Id": 7}}'}
    with (
        scripted(
            lambda asked: Reply(200, known.get(asked.path, b"{}")), authority.vouches_for("pyrus.example")
        ) as pyrus,
        proxying(to=urlsplit(pyrus.url).port or 0) as proxy,
    ):
        way: dict[str, Any] = {"HTTPS_PROXY": f"ann:p@ss@{proxy.address}", "SSL_CERT_FILE": str(authority.file)}
        process = program("check", "--json", database=database, **ACCOUNT, **way)

    login = next(check for check in json.loads(process.stdout)["checks"] if check["check"] == "login")
    assert login["status"] == "ok", process.stdout
    assert all(head.startswith(b"CONNECT pyrus.example:443 ") for head in proxy.heads)
    assert all(b64encode(b"ann:p@ss") in head and b"a token" not in head for head in proxy.heads)
    assert not any("Proxy-Authorization" in asked.headers for asked in pyrus.asked)


@pytest.mark.parametrize(
    ("answer", "tries", "message"),
    [
        (refusal(407, 'Proxy-Authenticate: Basic realm="canary"'), 1, "does not accept its user and password (407)"),
        (refusal(407, "Proxy-Authenticate: NTLM", "Proxy-Authenticate: Negotiate"), 1, "a login other than Basic"),
        (refusal(403), 1, "does not allow access to pyrus.example (403)"),
        (refusal(403, "Content-Security-Policy: " + "a" * 9000), 1, "does not allow access to pyrus.example (403)"),
        (refusal(400), 1, "answers 400 to CONNECT"),
        (refusal(302, "Location: http://canary.example"), 1, "answers 302 to CONNECT"),
        (refusal(502), 9, "cannot reach pyrus.example (502)"),
        (refusal(503), 9, "cannot reach pyrus.example (503)"),
        (b"SSH-2.0-canary\r\n", 9, "the answer is not HTTP (is it TLS?)"),
        (b"", 9, "the connection was closed"),
    ],
    ids=lambda value: repr(value)[:24],
)
@pytest.mark.usefixtures("impatient")
def test_the_error_for_a_proxy_that_refuses_has_the_remedy_and_no_password(
    answer: bytes, tries: int, message: str, database: Secret, query: Query
) -> None:
    loud = ("--json", "--log-level", "DEBUG")
    with proxying(answer) as proxy:
        way: dict[str, Any] = {"HTTPS_PROXY": f"http://canary-user:canary@/:%é@{proxy.address}"}
        sync = program("sync", *loud, database=database, **ACCOUNT, **way)
        tried = len(proxy.heads)
        check = program("check", *loud, database=database, **ACCOUNT, **way)

    assert (sync.returncode, check.returncode, tried) == (4, 4, tries), sync.stderr
    for shown in (sync.stderr, check.stdout):
        assert message in shown
        assert f"roxy {proxy.address} (HTTPS_PROXY)" in shown
    everything = sync.stdout + sync.stderr + check.stdout + check.stderr
    everything += str(query(database, "SELECT error FROM pyrus.sync_runs"))
    assert not re.search(f"canary|/:%|{quote('@/:')}|{b64encode(b'canary-user:canary').decode()[:16]}", everything)


def test_the_error_for_a_proxy_that_requires_a_login_says_where_to_put_it(database: Secret) -> None:
    with proxying(refusal(407)) as proxy:
        process = program("sync", database=database, **ACCOUNT, HTTPS_PROXY=proxy.address)

    assert "add them to HTTPS_PROXY, for example http://user:password@" in process.stderr
    assert process.returncode == 4


@pytest.mark.usefixtures("impatient")
def test_the_error_for_an_unreachable_proxy_names_it(database: Secret) -> None:
    process = program("sync", database=database, **ACCOUNT, HTTPS_PROXY="http://ann:canary@127.0.0.1:1")

    assert "PYRUS_URL" not in process.stderr, "the proxy alone is at fault"
    assert (
        "the proxy 127.0.0.1:1 (HTTPS_PROXY) cannot be reached (Connection refused); check HTTPS_PROXY"
        in process.stderr
    )
    assert "canary" not in process.stderr
    assert process.returncode == 4


def test_secrets_of_a_proxy_are_masked_in_the_page_it_sends(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    page = b"<html>canary-user may not go there; canary%26password is on file</html>"
    with (
        scripted(lambda _: Reply(200, page), authority.vouches_for("pyrus.example")) as server,
        proxying(to=urlsplit(server.url).port or 0) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"canary-user:canary&password@{proxy.address}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        error = asyncio.run(request_a_page())

    assert error.body == b"<html>(secret) may not go there; (secret) is on file</html>"


async def request_a_page() -> Again:
    async with client_for(loaded({"PYRUS_URL": PYRUS, "PYRUS_ACCESS_TOKEN": "given"})) as http:
        outcome = await http.ask(Request("GET", "/", bytes))
    assert isinstance(outcome, Again)
    return outcome


@pytest.mark.parametrize("command", ["sync", "check"])
def test_an_invalid_proxy_setting_exits_with_2(command: str, database: Secret) -> None:
    process = program(command, "--json", database=database, **ACCOUNT, HTTPS_PROXY="socks5://ann:canary@proxy:1080")

    assert process.returncode == 2
    assert "HTTPS_PROXY names a SOCKS proxy" in process.stdout
    assert "canary" not in process.stdout + process.stderr
