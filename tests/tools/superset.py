"""`make superset`: Superset imports the dashboard, and every chart of it has data and is drawn.

`python -m tests.tools.superset FOLDER [PICTURE]`, where FOLDER has Superset's programs. If Chromium is installed, the
dashboard is opened in it, and PICTURE is written if given. Superset keeps its own data in SQLite.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import aiohttp

from dashboards import superset
from dashboards.charts import CHARTS, SLUG
from pyrus_etl.postgres.conninfo import parts_of
from pyrus_etl.settings import Secret
from tests.page.browser import PROGRAM, Browser, browsing
from tests.runs import CHECKOUT
from tests.tools.organisation import organisation

TASKS = 400
PATIENCE = 120.0
USER = "admin"
PASSWORD = secrets.token_urlsafe()
CONFIG = f"""
SECRET_KEY = {secrets.token_urlsafe(42)!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{{folder}}/superset.db"
TALISMAN_ENABLED = False
WTF_CSRF_ENABLED = False
"""
DRAWN = """
    [...document.querySelectorAll('[data-test-chart-id]')]
        .filter((chart) => chart.querySelector('canvas, table tbody tr td, .header-line')).length
"""
FAULTS = """
    [...document.querySelectorAll('[data-test-chart-id] [role=alert], [data-test-chart-id] .ant-empty')]
        .map((fault) => fault.innerText)
"""


def main(programs: Path, picture: Path | None) -> None:
    """Raises AssertionError, or another error, if a step fails or a chart has no rows."""
    with tempfile.TemporaryDirectory() as folder, organisation(TASKS) as url:
        (Path(folder) / "superset_config.py").write_text(CONFIG.format(folder=folder))
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "SUPERSET_CONFIG_PATH": f"{folder}/superset_config.py",
            "FLASK_APP": "superset.app:create_app()",
            "SUPERSET_HOME": folder,
        }
        _set_up(programs / "superset", environment, url)
        with _running(programs / "superset", environment) as address:
            asyncio.run(_ask(address))
            if PROGRAM:
                _look(address, picture)


def _set_up(program: Path, environment: Mapping[str, str], url: Secret) -> None:
    """Creates Superset's database and its user, imports the dashboard, and connects it, as docs/dashboards.md says."""
    names = ["--firstname", "A", "--lastname", "B", "--email", "a@example.com"]
    bundle = CHECKOUT / "deploy/superset/pyrus.zip"
    for command in (
        ["db", "upgrade"],
        ["fab", "create-admin", "--username", USER, "--password", PASSWORD, *names],
        ["init"],
        ["import-dashboards", "--path", str(bundle), "--username", USER],
        ["set-database-uri", "--database_name", superset.DATABASE, "--uri", _uri(url)],
    ):
        print(f"$ superset {command[0]} {command[1] if command[1:] else ''}", flush=True)
        done = subprocess.run([program, *command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def _uri(url: Secret) -> str:
    parts = parts_of(url)
    return (
        f"postgresql+psycopg2://{parts['user']}@/{parts['dbname']}?host={parts['host']}&port={parts.get('port', 5432)}"
    )


@contextmanager
def _running(program: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of Superset while the block lasts."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command: list[str | Path] = [program, "run", "--port", str(port), "--with-threads"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def _ask(address: str) -> None:
    """Asks for the data of every chart as the browser does."""
    async with aiohttp.ClientSession(address) as session:
        await _answering(session)
        login = {"username": USER, "password": PASSWORD, "provider": "db"}
        async with session.post("/api/v1/security/login", json=login) as answer:
            answer.raise_for_status()
            session.headers["Authorization"] = f"Bearer {(await answer.json())['access_token']}"
        charts = (await _get(session, f"/api/v1/dashboard/{SLUG}/charts"))["result"]
        assert sorted(chart["slice_name"] for chart in charts) == sorted(chart.title for chart in CHARTS)
        for chart in charts:
            (found,) = (await _get(session, f"/api/v1/chart/{chart['id']}/data/"))["result"]
            assert found["rowcount"] > 0, (chart["slice_name"], found)
            print(f"{chart['slice_name']}: {found['rowcount']} rows of {', '.join(found['colnames'])}")


async def _answering(session: aiohttp.ClientSession) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            async with session.get("/health") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        assert time.monotonic() < end, "Superset did not start"
        await asyncio.sleep(0.5)


async def _get(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(path) as answer:
        assert answer.status == 200, (path, await answer.text())
        return await answer.json()


def _look(address: str, picture: Path | None) -> None:
    """Opens the dashboard in a browser and waits until every chart is drawn."""
    with browsing() as browser:
        browser.call(
            "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        browser.look_like(width=1500, height=2600)
        browser.call("Page.navigate", url=f"{address}/login/")
        _wait(browser, "document.querySelector('form input[type=password]')")
        login = {"username": USER, "password": PASSWORD}
        browser.evaluate(
            f"""fetch('/login/', {{method: 'POST', body: new URLSearchParams({login!r})}}).then((a) => a.url)"""
        )
        browser.call("Page.navigate", url=f"{address}/superset/dashboard/{SLUG}/?standalone=1")
        try:
            _wait(browser, f"{DRAWN} === {len(CHARTS)}")
        finally:
            if picture:
                browser.screenshot(picture)
        assert browser.evaluate(FAULTS) == []
        print(f"{len(CHARTS)} charts are drawn.")


def _wait(browser: Browser, expression: str) -> None:
    end = time.monotonic() + PATIENCE
    while not browser.evaluate(f"!!({expression})"):
        assert time.monotonic() < end, f"{expression} did not come true: {browser.evaluate('document.body.innerText')}"
        time.sleep(0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None)
