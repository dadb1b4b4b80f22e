"""`pyrus-etl login` and `logout`: the web login of https://pyrus.com/en/api-v3, over real HTTP."""

from __future__ import annotations

import html
import json
import os
import re
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.settings import Secret
from tests.forked import Running
from tests.processes import eventually, started
from tests.runs import command_line, program, program_environment
from tests.typing import Query

OTHER = EVERYBODY[1]
BROWSER = f"""#!{sys.executable}
import sys, urllib.parse, urllib.request
asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sys.argv[1]).query))
given = {{**asked, "login": "other@northlight.example", "password": "sandbox-key", "answer": "grant"}}
urllib.request.urlopen(sys.argv[1].partition("?")[0], urllib.parse.urlencode(given).encode()).read()
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(1, tasks=20), accounts={"other@northlight.example": OTHER.id}) as running:
        yield running


@pytest.fixture
def here(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The settings of an application; no login and no key."""
    found = {"PYRUS_URL": sandbox.url, "PYRUS_CLIENT_ID": sandbox.options.client_id, "HOME": str(tmp_path)}
    return {**found, "PYRUS_CLIENT_SECRET": sandbox.options.client_secret, "XDG_DATA_HOME": str(tmp_path / "data")}


def run(here: Mapping[str, str], *arguments: str, database: Secret | None = None) -> subprocess.CompletedProcess[str]:
    return program(*arguments, sandbox=None, database=database, **here)


def token_file(here: Mapping[str, str]) -> Path:
    return Path(here["XDG_DATA_HOME"]) / "pyrus-etl" / "web-login.json"


def fetch(address: str, **form: str) -> tuple[int, str]:
    """Status and text of a page, after its redirects."""
    try:
        with urllib.request.urlopen(address, urlencode(form).encode() if form else None, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def answer(address: str, sandbox: Sandbox, button: str = "grant") -> tuple[int, str]:
    """What a person does: opens the page, logs in, and presses a button. The page at which they end."""
    _, shown = fetch(address)
    hidden = {name: html.unescape(value) for name, value in re.findall(r'"hidden" name="(\w+)" value="(.*?)"', shown)}
    password = {"login": sandbox.options.login, "password": sandbox.options.security_key}
    return fetch(f"{sandbox.url}/oauth", **hidden, **password, answer=button)


def address_of(process: Running) -> str:
    eventually(lambda: "/oauth?" in process.logged())
    return process.logged().splitlines()[-1]


def test_a_token_of_the_web_login_serves_all_runs_until_logout(
    sandbox: Sandbox, here: dict[str, str], database: Secret, query: Query
) -> None:
    with started("login", "--no-browser", "--json", sandbox=None, database=None, **here) as process:
        status, page = answer(address_of(process), sandbox)
        out, err = process.communicate()
    file = token_file(here)
    token = json.loads(file.read_text())["access_token"]
    synced = run(here, "sync", database=database)
    gone, again, without = run(here, "logout"), run(here, "logout"), run(here, "check", database=database)

    assert (status, "You may close this window" in page) == (200, True)
    assert json.loads(out) == {
        "status": "ok",
        "person": f"{ACCOUNT.first_name} {ACCOUNT.last_name} (person {ACCOUNT.id})",
        "url": sandbox.url,
        "file": str(file),
        "exit_code": 0,
    }
    assert (process.returncode, token in out + err + synced.stderr) == (0, False)
    assert (synced.returncode, query(database, "SELECT count(*) FROM pyrus.tasks")) == (0, [(20,)])
    assert sandbox.requests.endpoints["token"] == 0
    assert (file.exists(), gone.stdout.split(". ")[0]) == (False, f"Deleted {file}")
    assert (again.returncode, again.stdout) == (0, "Nobody was logged in.\n")
    assert "or run pyrus-etl login" in without.stdout


def test_the_file_is_for_its_user_only_and_an_open_one_is_not_used(here: dict[str, str], database: Secret) -> None:
    """The mode does not depend on the umask; a browser is opened, as the system is set up."""
    browser = Path(here["HOME"]) / "browser"
    browser.write_text(BROWSER)
    browser.chmod(0o755)
    before = os.umask(0)
    try:
        logged_in = run(here | {"BROWSER": str(browser)}, "login")
    finally:
        os.umask(before)
    file = token_file(here)
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (file, file.parent)]
    file.chmod(0o640)
    refused = run(here, "check", database=database)

    assert f"Logged in as {OTHER.first_name} {OTHER.last_name} (person {OTHER.id})" in logged_in.stdout
    assert modes == [0o600, 0o700]
    assert f"chmod 600 {file}" in refused.stderr
    assert "No login is given" in refused.stdout


def test_without_a_web_server_the_code_is_pasted(sandbox: Sandbox, here: dict[str, str]) -> None:
    asked = {"client_id": here["PYRUS_CLIENT_ID"], "redirect_uri": "nowebserver", "response_type": "code"}
    _, page = answer(f"{sandbox.url}/oauth?{urlencode(asked)}", sandbox)
    title = re.search("<title>(.*)</title>", page)
    assert title
    line = command_line("login", "--no-web-server")
    environment = program_environment(None, None, **here)
    done = subprocess.run(line, env=environment, input=f" {title[1]} \n", capture_output=True, text=True)
    twice = subprocess.run(line, env=environment, input=title[1], capture_output=True, text=True)

    assert (done.returncode, done.stdout.split(".")[0]) == (
        0,
        f"Logged in as {ACCOUNT.first_name} {ACCOUNT.last_name} (person {ACCOUNT.id})",
    )
    assert f"{sandbox.url}/oauth?{urlencode(asked)}" in done.stderr
    assert (twice.returncode, "Pyrus gave no token for the code" in twice.stderr) == (3, True)
    assert "run pyrus-etl login again" in twice.stderr
    assert here["PYRUS_CLIENT_SECRET"] not in twice.stderr


def test_a_code_from_elsewhere_is_not_taken(sandbox: Sandbox, here: dict[str, str]) -> None:
    """The address of the listener and the state are secrets of this login, and `state` may be left out by Pyrus."""
    with started("login", "--no-browser", sandbox=None, database=None, **here) as process:
        asked = parse_qs(urlsplit(address_of(process)).query)
        redirect, state = asked["redirect_uri"][0], asked["state"][0]
        root = redirect.rpartition("/")[0]
        replies = [
            fetch(f"{root}/?code=stolen&state={state}")[0],
            fetch(f"{redirect}?code=stolen&state=wrong")[0],
            fetch(f"{redirect}?state={state}")[0],
        ]
        sandbox.reconfigure(oauth_state=False)
        answer(address_of(process), sandbox)
        process.wait()

    assert urlsplit(redirect).hostname == "127.0.0.1"
    assert replies == [404, 400, 400]
    assert process.returncode == 0


def test_a_denied_a_late_and_an_impossible_login_are_sentences(sandbox: Sandbox, here: dict[str, str]) -> None:
    with started("login", "--no-browser", sandbox=None, database=None, **here) as process:
        answer(address_of(process), sandbox, "deny")
        _, denied = process.communicate()
    late = run(here, "login", "--no-browser", "--wait", "0.01s")
    nothing = run(here | {"PYRUS_CLIENT_SECRET": ""}, "login")

    assert (process.returncode, "did not grant access: 'access_denied'" in denied) == (3, True)
    assert (late.returncode, "Nobody granted access in time" in late.stderr) == (3, True)
    assert (nothing.returncode, "set PYRUS_CLIENT_ID and PYRUS_CLIENT_SECRET" in nothing.stderr) == (2, True)
    assert not token_file(here).exists()


def test_a_revoked_token_is_a_sentence_and_a_token_of_another_pyrus_is_not_sent(
    sandbox: Sandbox, here: dict[str, str], database: Secret
) -> None:
    file = token_file(here)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"url": sandbox.url, "access_token": sandbox.token(), "person": ""}))
    file.chmod(0o600)
    sandbox.revoke_tokens()
    revoked = run(here, "sync", database=database)
    file.write_text(json.dumps({"url": "https://elsewhere.example", "access_token": "of-elsewhere"}))
    elsewhere = run(here, "sync", database=database)
    file.write_text("{")
    broken = run(here, "sync", database=database)

    assert revoked.returncode == 3
    assert "Pyrus refused the token of pyrus-etl login" in revoked.stderr
    assert "run pyrus-etl login again" in revoked.stderr
    assert (elsewhere.returncode, "No login is given" in elsewhere.stderr) == (2, True)
    assert (broken.returncode, "does not hold a login" in broken.stderr) == (2, True)
