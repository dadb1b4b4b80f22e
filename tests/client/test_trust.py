"""Certificates: which are trusted, and the errors for a server that is not trusted or does not speak TLS."""

import asyncio
import json
import re
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from pyrus_etl.client.meaning import Failure
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import PyrusUnreachable, SettingsError
from pyrus_etl.extract.v3.api import client_for
from pyrus_etl.settings import Secret
from pyrus_etl.settings.retry import STANDARD
from tests.certificates import Authority, new_authority
from tests.conftest import loaded
from tests.proxies import proxying
from tests.runs import program
from tests.scripted import Reply, Scripted, scripted

ACCOUNT: dict[str, Any] = {"PYRUS_ACCESS_TOKEN": "given"}
PROTOCOL_VERSION_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
IN_SSL_CERT_FILE = r"set SSL_CERT_FILE to a file with the certificate of its authority \(PEM\)"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _no_network_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def serving(tls: ssl.SSLContext) -> Any:
    return scripted(lambda _: Reply(200, b'"served"'), tls)


def at(name: str, server: Scripted) -> str:
    return f"https://{name}:{urlsplit(server.url).port}"


def asked(url: str) -> tuple[object, int]:
    """The content, or why there is none, and the number of requests."""

    async def ask() -> tuple[object, int]:
        async with client_for(loaded({**ACCOUNT, "PYRUS_URL": url})) as http:
            try:
                outcome: Answer[str] | Failure = await http.ask(Request("GET", "/", msgspec.json.decode))
                return outcome.value if isinstance(outcome, Answer) else outcome, http.requests
            except Exception as error:
                return error, http.requests

    return asyncio.run(ask())


@contextmanager
def saying(greeting: bytes) -> Iterator[str]:
    """A server that sends these bytes to every client and closes the connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1000)
            self.request.sendall(greeting)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_authority_in_ssl_cert_file_is_trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(authority.vouches_for("localhost")) as server:
        assert asked(at("localhost", server)) == ("served", 1)


def test_an_authority_in_ssl_cert_dir_is_trusted(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authority.pem").write_bytes(authority.file.read_bytes())
    subprocess.run(["openssl", "rehash", tmp_path], check=True)
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere:{tmp_path}")
    with serving(authority.vouches_for("localhost")) as server:
        assert asked(at("localhost", server)) == ("served", 1)


def test_the_servers_own_certificate_in_ssl_cert_file_is_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = authority.vouches_for("localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file.with_name("server.pem")))
    with serving(tls) as server:
        assert asked(at("localhost", server)) == ("served", 1)


def untrusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    monkeypatch.delenv("SSL_CERT_FILE")
    return authority.vouches_for("localhost")


def signed_by_itself(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    monkeypatch.delenv("SSL_CERT_FILE")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority.file, authority.file.with_suffix(".key"))
    return tls


def asking_for_a_certificate(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    tls = authority.vouches_for("localhost")
    tls.load_verify_locations(authority.file)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # with 1.3 the handshake ends before the server misses it
    return tls


@pytest.mark.parametrize(
    ("server_with", "message"),
    [
        (untrusted, rf"not trusted \(unable to get local issuer certificate\).*{IN_SSL_CERT_FILE}"),
        (signed_by_itself, rf"not trusted \(self-signed certificate\).*{IN_SSL_CERT_FILE}"),
        (
            lambda authority, _: authority.vouches_for("other.example"),
            "for another host name; use the name .* PYRUS_URL",
        ),
        (
            lambda authority, _: authority.vouches_for("localhost", end="20210101"),
            "has expired.*renew it, or correct the clock",
        ),
        (lambda authority, _: authority.vouches_for("localhost", start="20390101"), "not yet valid.*correct the clock"),
        (asking_for_a_certificate, "refuses the TLS handshake; .*not ask for a client certificate"),
    ],
    ids=["untrusted", "self-signed", "another name", "expired", "not yet valid", "client certificate"],
)
def test_an_untrusted_server_is_tried_once_and_the_error_has_the_remedy(
    server_with: Any, message: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(server_with(authority, monkeypatch)) as server:
        error, requests = asked(at("localhost", server))

    assert isinstance(error, PyrusUnreachable)
    assert re.search(f"localhost:.*{message}", str(error))
    assert requests == 1


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "does not speak TLS on that port; check the port and the https:// in PYRUS_URL",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak TLS on that port; check the port"),
        (PROTOCOL_VERSION_ALERT, "must offer TLS 1.2 or newer"),
    ],
    ids=["http", "ssh", "TLS 1.1"],
)
def test_a_server_without_tls_is_tried_once(greeting: bytes, message: str) -> None:
    with saying(greeting) as url:
        error, requests = asked(url)

    assert isinstance(error, PyrusUnreachable)
    assert message in str(error)
    assert requests == 1


@pytest.mark.usefixtures("impatient")
def test_an_interrupted_handshake_is_retried() -> None:
    with saying(b"") as url:
        error, requests = asked(url)

    assert re.search("cannot be reached.*check PYRUS_URL", str(error))
    assert requests == STANDARD.requests.attempts


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "/nowhere/ca.pem cannot be read: No such file or directory"),
        ("SSL_CERT_FILE", "/", "/ cannot be read|/ contains no certificate"),
        ("SSL_CERT_FILE", __file__, "contains no certificate in PEM"),
        ("SSL_CERT_FILE", "/dev/null", "contains no certificate in PEM"),
        ("SSL_CERT_DIR", "/nowhere:/neither", "there is no folder /nowhere:/neither"),
    ],
)
def test_unreadable_certificates_are_a_settings_error(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}: .*({message})"):
        asked("https://localhost:1")


def test_the_program_exits_with_2_or_4_and_one_message(authority: Authority, database: Secret) -> None:
    with serving(authority.vouches_for("localhost")) as server:
        account = {**ACCOUNT, "PYRUS_URL": at("localhost", server)}
        untrusted = program("check", "--json", database=database, **account)
        unreadable = program("check", "--json", database=database, **account, SSL_CERT_FILE="/nowhere")

    assert (untrusted.returncode, unreadable.returncode) == (4, 2)
    for process, message in ((untrusted, "set SSL_CERT_FILE to a file"), (unreadable, "SSL_CERT_FILE: /nowhere")):
        assert message in next(
            one["message"] for one in json.loads(process.stdout)["checks"] if one["check"] == "login"
        )
        assert "Traceback" not in process.stderr


def test_the_error_for_a_tls_proxy_names_the_certificate_of_the_proxy(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        serving(authority.vouches_for("pyrus.example")) as pyrus,
        proxying(to=urlsplit(pyrus.url).port or 0, tls=authority.vouches_for("localhost")) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{proxy.address.replace('127.0.0.1', 'localhost')}")
        distrusted, requests = asked("https://pyrus.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        trusted, _ = asked("https://pyrus.example")

    assert re.search(r"certificate of the proxy localhost:\d+ \(HTTPS_PROXY\) is not trusted", str(distrusted))
    assert requests == 1
    assert trusted == "served"


def test_a_certificate_that_a_proxy_substitutes_is_reported_as_that_of_pyrus(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        serving(authority.vouches_for("pyrus.example")) as pyrus,
        proxying(to=urlsplit(pyrus.url).port or 0) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        error, requests = asked("https://pyrus.example")

    assert re.search(rf"^The certificate of pyrus.example is not trusted.*{IN_SSL_CERT_FILE}", str(error))
    assert requests == 1


def test_the_error_for_a_proxy_without_tls_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        error, _ = asked("https://pyrus.example")

    assert re.search(
        r"The proxy .* does not speak TLS on that port; check the port and the https:// in HTTPS_PROXY", str(error)
    )
