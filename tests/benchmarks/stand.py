"""The test stand: a sandbox and a PostgreSQL in processes of their own, and runs as programs."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import psycopg

from pyrus_etl.postgres import cluster, folders
from pyrus_etl.postgres.embedded import serving
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.settings import Secret

CHECKOUT = Path(__file__).parents[2]
NO_QUOTA = "100000000/1s"


class Ran(NamedTuple):
    """A finished program: seconds, peak memory in megabytes, and the JSON that it printed."""

    seconds: float
    megabytes: float
    report: dict[str, Any]


class World(NamedTuple):
    """A running sandbox, as the environment that makes programs use it."""

    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.environment["PYRUS_URL"]

    def state(self) -> dict[str, Any]:
        """Returns the state that the sandbox reports."""
        return self.asked("state")

    def asked(self, what: str) -> dict[str, Any]:
        """Returns what the sandbox says, see READS in pyrus_etl/sandbox/server/control.py."""
        with urlopen(f"{self.url}/sandbox/{what}") as answer:
            found: dict[str, Any] = json.load(answer)["result"]
            return found

    def do(self, command: str, **arguments: Any) -> Any:
        """Runs a command of the sandbox, see pyrus_etl/sandbox/server/control.py."""
        with urlopen(Request(f"{self.url}/sandbox/{command}", json.dumps(arguments).encode())) as answer:
            return json.load(answer)["result"]


class Stand(NamedTuple):
    """A PostgreSQL as the product starts it, with all its safety, that also listens on a port."""

    url: Secret
    port: int
    password: str

    def by_password(self, database: Secret) -> Secret:
        """Returns the same database for programs that cannot use a socket."""
        name = psycopg.conninfo.conninfo_to_dict(database.reveal())["dbname"]
        return Secret(f"postgresql://{cluster.ROLE}:{self.password}@127.0.0.1:{self.port}/{name}")

    @contextmanager
    def database(self, name: str) -> Iterator[Secret]:
        """Creates a database with the schema, and drops it at the end."""
        with psycopg.connect(self.url.reveal(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
            created = Secret(self.url.reveal().replace("/pyrus?", f"/{name}?"))
            upgrade(created)
            yield created
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute("CHECKPOINT")

    def vacuum(self, database: Secret) -> None:
        """Does now what autovacuum and the checkpointer would do at some time."""
        with psycopg.connect(database.reveal(), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def asked(self, database: Secret, query: str) -> Any:
        """Returns the single value of a query."""
        with psycopg.connect(database.reveal(), autocommit=True) as connection:
            found = connection.execute(query.encode()).fetchone()
        return found[0] if found else None


@contextmanager
def test_stand(folder: Path) -> Iterator[Stand]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(folder / "postgresql", port) as url:
        yield Stand(url, port, folders.password_file(folder / "postgresql").read_text().strip())


@contextmanager
def world(tasks: int, *options: str) -> Iterator[World]:
    """Runs a sandbox with `tasks` tasks; over API v3, unless an option says otherwise.

    Answers are not compressed: that would cost more than the work itself.
    """
    api = [] if "--api" in options else ["--api", "v3"]
    command = [sys.executable, "-m", "pyrus_etl", "sandbox", "serve", "--port", "0", "--tasks", str(tasks), *api]
    with subprocess.Popen(
        [*command, "--no-gzip", *options], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    ) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(4)]
            yield World(dict(line.split("=", 1) for line in lines))
        finally:
            process.terminate()


def program(*arguments: str, world: World | None = None, database: Secret | None = None, **more: str) -> Ran:
    """Runs `pyrus-etl`."""
    return run([sys.executable, "-m", "pyrus_etl", *arguments], world, database, PYRUS_ETL_LOG_LEVEL="WARNING", **more)


def run(command: list[str], world: World | None = None, database: Secret | None = None, **more: str) -> Ran:
    """Runs a program to its end; raises RuntimeError if it fails."""
    environment = environment_of(world, database, **more)
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout
    report = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {report}")
    return Ran(seconds, used.ru_maxrss / 1024, json.loads(report) if report.startswith("{") else {})


def environment_of(world: World | None, database: Secret | None, **more: str) -> dict[str, str]:
    """The environment in which programs use a sandbox and a database."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(CHECKOUT)}
    environment |= (world.environment if world else {}) | {"PYRUS_ETL_QUOTA": NO_QUOTA} | more
    return environment | ({"DATABASE_URL": database.reveal()} if database else {})
