"""Shared fixtures: real PostgreSQL servers, a database for each test, and runs of the real code against a sandbox.

Each worker starts a server once; the schema is migrated once into a template, which is cloned for each test.
"""

import gc
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus

from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Sandbox
from pyrus_etl.settings import Secret, Settings, load_settings
from pyrus_etl.settings.retry import STANDARD
from tests import charts
from tests import impatient as impatient_program
from tests.servers import Server, embedded_server, installed_server, server_folder
from tests.services import not_tried, required

TEMPLATE = "template_pyrus"
LONG = (
    "test_simulation",
    "test_outages",
    "test_recovery",
    "cli/test_waits",
    "test_pooler",
    "test_hard_cases",
    "test_quota",
    "test_takeover",
    "cluster/test_worker",
    "test_demo",
)
_numbers = itertools.count(1)
_administrators: dict[Server, psycopg.Connection[tuple[object, ...]]] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that mostly wait begin first, on every second worker, while the others compute.

    With `--dist worksteal` each worker begins with an equal share of the tests, in their order.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    waiting = [item for item in items if any(name in item.nodeid for name in LONG)]
    others = [item for item in items if item not in set(waiting)]
    share, waits = -(-len(items) // workers), -(-workers // 2)
    shares = [waiting[worker // 2 :: waits] if worker % 2 == 0 else [] for worker in range(workers)]
    for mine in shares:
        room = max(0, share - len(mine))
        mine.extend(others[:room])
        del others[:room]
    items[:] = itertools.chain(*shares)


def pytest_collection_finish() -> None:
    """Spares each later garbage collection the tests and modules, which stay to the end."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """Ends the session at once if a required service is unknown."""
    required()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lists at the end which tests were skipped, and what they need."""
    if lines := not_tried(terminalreporter.stats.get("skipped", [])):
        terminalreporter.section("Not tried on this machine")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _script_of_the_charts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All workers share the script that draws the charts; it is made if a test needs it."""
    folder = tmp_path_factory.getbasetemp()
    os.environ[charts.FILE] = str((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "vega.js")
    charts.make_once()


@pytest.fixture(scope="session")
def postgresql_18() -> Iterator[Server]:
    """PostgreSQL 18 from the wheel, with the schema in a template."""
    with server_folder() as folder, embedded_server(folder) as server, _administered(server):
        yield server


@pytest.fixture(scope="session")
def postgresql_15() -> Iterator[Server]:
    """The oldest supported server, if Debian's package of it is installed."""
    with server_folder() as folder, installed_server("15", folder) as server, _administered(server):
        yield server


@contextmanager
def _administered(server: Server) -> Iterator[None]:
    """Makes the template, and keeps a connection to the server, because every test clones a database."""
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    upgrade(server.url(TEMPLATE))
    with psycopg.connect(server.url("postgres").reveal(), autocommit=True) as connection:
        _administrators[server] = connection
        yield


@pytest.fixture
def database(postgresql_18: Server) -> Iterator[Secret]:
    """A database of its own, with the schema and no rows, on PostgreSQL 18."""
    with clone(postgresql_18) as url:
        yield url


@pytest.fixture(params=["postgresql_18", "postgresql_15"])
def each_database(request: pytest.FixtureRequest) -> Iterator[Secret]:
    """The same on PostgreSQL 18, and on 15 if it is installed."""
    with clone(request.getfixturevalue(request.param)) as url:
        yield url


@pytest.fixture
def empty_database(postgresql_18: Server) -> Iterator[Secret]:
    """A database without our schema."""
    with clone(postgresql_18, template="template0") as url:
        yield url


@contextmanager
def clone(server: Server, template: str = TEMPLATE) -> Iterator[Secret]:
    """A new database from a template, dropped at the end even if it is in use; the copy is not written to the log."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    administrator = _administrators[server]
    administrator.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
    try:
        yield server.url(name)
    finally:
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def query() -> Iterator[Callable[..., list[tuple[object, ...]]]]:
    """`query(url, sql, *parameters)`: the rows of a query."""
    connections: dict[str, psycopg.Connection[tuple[object, ...]]] = {}

    def ask(url: Secret, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        text = url.reveal()
        if text not in connections:
            connections[text] = psycopg.connect(text, autocommit=True)
        cursor = connections[text].execute(sql.encode(), parameters or None)
        has_rows = cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.TUPLES_OK
        return cursor.fetchall() if has_rows else []

    yield ask
    for connection in connections.values():
        connection.close()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides the user's environment and working folder from every test."""
    for name in list(os.environ):
        if name.startswith(("PYRUS_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes runs use the waits of `tests.impatient`, in this process (see `loaded`) and as programs."""
    monkeypatch.setenv("TESTS_PROGRAM", impatient_program.__name__)


def environment_of(sandbox: Sandbox, database: Secret | None = None, **more: str) -> dict[str, str]:
    """The environment variables that make a program use the sandbox and the database."""
    found = {
        "PYRUS_URL": sandbox.url,
        "PYRUS_LOGIN": sandbox.options.login,
        "PYRUS_SECURITY_KEY": sandbox.options.security_key,
        "PYRUS_CLIENT_ID": sandbox.options.client_id,
        **more,
    }
    return found if database is None else {**found, "DATABASE_URL": database.reveal()}


def settings_for(sandbox: Sandbox, database: Secret, **more: str) -> Settings:
    """The settings that make the code use the sandbox and the database."""
    return loaded(environment_of(sandbox, database, **more))


def loaded(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment, with the waits of this test."""
    is_impatient = os.environ.get("TESTS_PROGRAM") == impatient_program.__name__
    waits = impatient_program.IMPATIENT if is_impatient else STANDARD
    return replace(load_settings({}, environment), waits=waits)
