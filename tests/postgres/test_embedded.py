"""The embedded server: in folders with any name, for users without a name, with any variables of libpq."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres import cluster
from pyrus_etl.postgres.conninfo import uri
from pyrus_etl.postgres.embedded import serving
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.postgres.programs import program as program_of_postgresql
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.conftest import TEMPLATE, environment_of
from tests.forked import run_module
from tests.processes import launched
from tests.runs import program
from tests.servers import Server
from tests.typing import Query

NAMELESS = 12345
NAMES = {
    "apostrophe": "it's",
    "quotes": 'a "quoted" one',
    "dollar": "a$HOME$(touch gone)",
    "backtick": "a`touch gone`b",
    "comma": "a,b",
    "space": " Application Support ",
    "percent": "100%41",
    "hash and question": "a#b?c",
    "ampersand and semicolon": "a&b;c=d|e>f",
    "plus": "a+b",
    "backslash": "a\\b\\",
    "dash": "-rf",
    "glob and brace": "*[a]{b,c}~",
    "cyrillic": "Данные Pyrus",
    "emoji": "🐘",
    "no-break space": "a\u00a0b",
    "long": "long" * 50,
    "long in bytes": "ж" * 60,
}
ALL_AT_ONCE = 'it\'s "a" $HOME$(touch gone)`touch gone`; 100%41#?&|>+=*~\\ ж'

MISLEADING = {
    "PGHOST": "127.0.0.1", "PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGUSER": "nobody", "PGDATABASE": "nowhere",
    "PGPASSWORD": "wrong", "PGPASSFILE": "/dev/null", "PGSERVICE": "nonsense", "PGSERVICEFILE": "/nowhere",
    "PGSYSCONFDIR": "/nowhere", "PGOPTIONS": "-c nonsense=1", "PGAPPNAME": "other", "PGSSLMODE": "nonsense",
    "PGSSLNEGOTIATION": "direct", "PGSSLROOTCERT": "system", "PGSSLCERT": "/nowhere", "PGSSLKEY": "/nowhere",
    "PGSSLCRL": "/nowhere", "PGSSLCRLDIR": "/nowhere", "PGSSLCERTMODE": "nonsense", "PGSSLSNI": "nonsense",
    "PGSSLCOMPRESSION": "1", "PGREQUIREPEER": "nobody", "PGREQUIREAUTH": "scram-sha-256",
    "PGMINPROTOCOLVERSION": "latest", "PGMAXPROTOCOLVERSION": "nonsense", "PGSSLMINPROTOCOLVERSION": "nonsense",
    "PGSSLMAXPROTOCOLVERSION": "nonsense", "PGGSSENCMODE": "require", "PGKRBSRVNAME": "nobody", "PGGSSLIB": "nonsense",
    "PGGSSDELEGATION": "1", "PGTARGETSESSIONATTRS": "standby", "PGLOADBALANCEHOSTS": "nonsense",
    "PGCHANNELBINDING": "require", "PGCONNECT_TIMEOUT": "nonsense", "PGCLIENTENCODING": "nonsense",
    "PGDATESTYLE": "German", "PGTZ": "Nowhere/Land", "PGGEQO": "nonsense", "PGDATA": "/nowhere", "PGREALM": "nowhere",
}  # fmt: skip
BEYOND_A_URL = {"PGSERVICE", "PGTZ", "PGGEQO", "PGCLIENTENCODING"}
"""No URL can override these; they are about the program that connects."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may write, with a short path, because paths of sockets have to be short."""
    with tempfile.TemporaryDirectory(prefix="h-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder with a cluster that does not run."""
    with tempfile.TemporaryDirectory(prefix="h-") as folder:
        with serving(Path(folder) / "pg"):
            pass
        yield Path(folder)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_data_folder_may_have_any_name(made: Path, home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    with renamed(made, home / name), serving(home / name / "pg") as url:
        psql = [program_of_postgresql("psql"), "-d", url.reveal(), "-Atc", "SHOW data_directory"]
        shown = subprocess.run(psql, capture_output=True, text=True).stdout
        with psycopg.connect(url.reveal()) as connection:
            (folder,) = connection.execute("SHOW data_directory").fetchone() or ()

    assert folder == shown.removesuffix("\n") == str(home / name / "pg")
    assert list(home.iterdir()) == []
    assert not (made / "pg" / "postmaster.pid").exists()


def test_threads_share_the_server_and_the_last_one_stops_it(made: Path) -> None:
    folder, first, second = made / "pg", ExitStack(), ExitStack()
    with ThreadPoolExecutor(2) as pool:
        urls = list(pool.map(lambda user: user.enter_context(serving(folder)), (first, second)))
        pool.submit(first.close).result()

        with psycopg.connect(urls[1].reveal()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        pool.submit(second.close).result()

    assert not (folder / "postmaster.pid").exists()


def test_a_thread_that_is_done_does_not_stop_the_server_of_another_process(made: Path) -> None:
    code = f"from pyrus_etl.postgres.embedded import *; s = serving(Path({str(made / 'pg')!r})); s.__enter__(); input()"
    other = subprocess.Popen([sys.executable, "-c", f"{code}; s.__exit__(None, None, None)"], stdin=subprocess.PIPE)
    while not (made / "pg" / "postmaster.pid").exists():
        time.sleep(0.01)
    for _ in range(2):
        with serving(made / "pg") as url:
            pass
    with psycopg.connect(url.reveal()) as connection:
        asked = connection.execute("SELECT 1").fetchone()
    other.communicate(b"\n", timeout=30)

    assert (asked, other.returncode) == ((1,), 0)
    assert not (made / "pg" / "postmaster.pid").exists()


@contextmanager
def renamed(folder: Path, name: Path) -> Iterator[None]:
    """Renames the folder for the block."""
    folder.rename(name)
    try:
        yield
    finally:
        name.rename(folder)


def test_the_whole_program_works_in_a_folder_with_all_such_characters(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    where = {"HOME": str(home), "XDG_DATA_HOME": str(home / ALL_AT_ONCE)}
    query = ("-Atc", "SELECT count(*) FROM pyrus.tasks")

    with Sandbox(World(1, tasks=3)) as sandbox:
        synced = ran("sync", environment=where, sandbox=sandbox)
    with launched("db", "serve", sandbox=None, database=None, **where) as server:
        assert server.stdout
        printed = server.stdout.readline().strip()
        url = ran("db", "url", environment=where).stdout.strip()
        shell = ran("db", "shell", "--", *query, environment=where)
        psql = subprocess.run([program_of_postgresql("psql"), url, *query], capture_output=True, text=True)
        server.terminate()
        server.wait()

    assert synced.returncode == 0, synced.stderr
    assert f"using the embedded PostgreSQL in {home / ALL_AT_ONCE}" in synced.stderr
    assert [shell.stdout, psql.stdout, printed] == ["3\n", "3\n", url], shell.stderr + psql.stderr
    assert {path.name for path in home.iterdir()} == {ALL_AT_ONCE}


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x7fb", "a\udcffb", "long" * 400])
def test_a_folder_that_postgresql_cannot_use_is_explained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", f"/tmp/{name}")

    with pytest.raises(DatabaseUnavailable, match=r"set XDG_DATA_HOME to a folder .* or DATABASE_URL") as raised:
        data_folder()

    str(raised.value).encode("ascii")


@pytest.mark.parametrize("place", ["relative/data", "~/data", "/dev/null/data", "/proc/data"])
def test_a_data_folder_that_cannot_be_created_is_explained(home: Path, place: str) -> None:
    process = program("status", HOME=str(home), XDG_DATA_HOME=place)

    assert process.returncode == 5
    assert "Traceback" not in process.stderr
    assert "XDG_DATA_HOME" in process.stderr
    assert "DATABASE_URL" in process.stderr
    assert list(home.iterdir()) == []


def test_a_server_that_does_not_start_gives_its_reason(made: Path) -> None:
    settings = made / "pg" / "postgresql.conf"
    good = settings.read_text(encoding="utf-8")
    settings.write_text("nonsense = 1\n", encoding="utf-8")
    try:
        with pytest.raises(
            DatabaseUnavailable, match=r"unrecognized configuration parameter .*nonsense.* or DATABASE_URL"
        ):
            cluster.start(made / "pg", None)
    finally:
        settings.write_text(good, encoding="utf-8")


def test_a_port_in_use_is_explained_with_a_remedy(made: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        with pytest.raises(DatabaseUnavailable, match=r"Address already in use .* Choose another --port\.$"):
            cluster.start(made / "pg", held.getsockname()[1])


@pytest.mark.parametrize(
    "environment", [{}, {"HOME": "/"}, {"HOME": "/nowhere"}, {"XDG_DATA_HOME": "writable"}], ids=str
)
@pytest.mark.parametrize("command", ["status", "db shell"])
def test_a_user_without_a_name_learns_what_to_set(home: Path, command: str, environment: dict[str, str]) -> None:
    found = {name: text.replace("writable", str(home)) for name, text in environment.items()}
    process = as_nobody(*command.split(), environment=found)

    assert process.returncode == 5, process.stderr
    assert "Traceback" not in process.stderr
    assert "XDG_DATA_HOME" in process.stderr
    assert "DATABASE_URL" in process.stderr
    assert list(home.iterdir()) == []


def test_a_user_without_a_name_or_a_home_works_with_a_database_of_its_own(postgresql_15: Server, query: Query) -> None:
    postgresql_15.sockets.chmod(0o755)
    postgresql_15.execute(f"CREATE DATABASE nameless TEMPLATE {TEMPLATE}")
    url = postgresql_15.url("nameless")
    with Sandbox(World(1, tasks=3)) as sandbox:
        process = as_nobody("sync", environment=environment_of(sandbox, url))

    assert process.returncode == 0, process.stderr
    assert query(url, "SELECT count(*) FROM pyrus.tasks") == [(3,)]


def test_a_user_without_a_name_is_asked_to_name_the_database_user() -> None:
    process = as_nobody("status", environment={"DATABASE_URL": "postgresql://127.0.0.1:1/pyrus"})

    assert process.returncode == 5, process.stderr
    assert "name it in DATABASE_URL, as in postgresql://user@host/database" in process.stderr


def ran(
    *arguments: str, environment: dict[str, str], sandbox: Sandbox | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the program with the embedded database."""
    return program(*arguments, sandbox=sandbox, database=None, **environment)


def as_nobody(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs the program as a user who has an id but no name."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    return run_module("pyrus_etl", list(arguments), {"PATH": os.environ["PATH"], **environment}, NAMELESS)


def test_libpqs_environment_does_not_affect_the_embedded_database(
    home: Path,
) -> None:
    where = {"HOME": str(home), "XDG_DATA_HOME": str(home), **MISLEADING}
    query = ("-Atc", "SELECT count(*) FROM pyrus.tasks")

    with Sandbox(World(1, tasks=3)) as sandbox:
        synced = ran("sync", environment=where, sandbox=sandbox)
    checked = ran("db", "check", environment=where)
    shell = ran("db", "shell", "--", *query, environment=where)

    assert synced.returncode == 0, synced.stderr
    assert checked.returncode == 0, checked.stderr
    assert shell.stdout == "3\n", shell.stderr


@pytest.fixture(scope="module")
def serve_home() -> Iterator[Path]:
    """The home of an embedded database that runs."""
    with tempfile.TemporaryDirectory(prefix="h-") as folder, serving(Path(folder) / "pyrus-etl" / "postgresql-18"):
        yield Path(folder)


@pytest.mark.parametrize("name", sorted(MISLEADING.keys() - BEYOND_A_URL))
def test_db_url_leads_to_the_embedded_database_under_each_variable(
    serve_home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, where = MISLEADING[name], {"HOME": "/", "XDG_DATA_HOME": str(serve_home), "PATH": ""}
    url = ran("db", "url", environment={**where, name: value}).stdout.strip()

    monkeypatch.setenv(name, value)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT current_setting('data_directory'), current_database()").fetchone()

    assert found == (str(serve_home / "pyrus-etl" / "postgresql-18"), "pyrus")


def test_db_url_has_no_more_than_it_needs(serve_home: Path) -> None:
    where = {"HOME": "/", "XDG_DATA_HOME": str(serve_home)}
    plain = ran("db", "url", environment=where).stdout.strip()

    assert conninfo_to_dict(plain).keys() == {"user", "dbname", "host", "port"}


def test_db_url_has_no_parameter_that_the_psql_of_the_user_does_not_know(serve_home: Path, home: Path) -> None:
    psql = home / "psql"
    psql.write_text("#!/bin/sh\necho 'psql (PostgreSQL) 15.18 (Debian)'\n", encoding="utf-8")
    psql.chmod(0o755)
    where = {"HOME": "/", "XDG_DATA_HOME": str(serve_home), "PATH": str(home), **MISLEADING}
    parts = conninfo_to_dict(ran("db", "url", environment=where).stdout.strip())

    assert parts["hostaddr"] == ""
    assert "require_auth" not in parts


def test_pghostaddr_does_not_win_over_the_host_of_a_url(database: Secret) -> None:
    shell = ("db", "shell", "--", "-Atc", "SELECT current_database()")
    misled = program(*shell, database=database, PGHOSTADDR="127.0.0.1")
    status = program("status", database=database, PGHOSTADDR="127.0.0.1")

    assert misled.stdout.strip() == conninfo_to_dict(database.reveal())["dbname"], misled.stderr
    assert status.returncode == 0, status.stderr


@pytest.mark.parametrize(
    "parts",
    [
        {"user": "a b@c/d", "dbname": "x y/z?&#é", "host": "db.example", "port": "5433"},
        {"user": "etl", "dbname": "d", "host": "/a b/+c,d", "port": "1"},
        {"dbname": "d", "host": "::1", "options": "-c statement_timeout=0 -c search_path=a,b"},
        {"dbname": "d", "host": "one,two", "port": "1,2", "application_name": "50% + a b", "hostaddr": ""},
        {"dbname": "d", "host": '/it\'s "a" $HOME `x`\\;', "sslrootcert": "/my certs/root+ca.crt"},
        {"dbname": "", "user": ""},
        {},
    ],
)
def test_libpq_reads_the_parameters_that_a_url_was_made_from(parts: dict[str, str]) -> None:
    read = conninfo_to_dict(uri(parts))

    assert {name: text for name, text in read.items() if text} == {name: text for name, text in parts.items() if text}
    assert "+" not in uri(parts)
