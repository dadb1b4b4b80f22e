"""What is measured on: a sandbox and a PostgreSQL in processes of their own, and runs as programs."""

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
from pyrus_etl.reports.migrate import upgrade
from pyrus_etl.settings import Secret

CHECKOUT = Path(__file__).parents[2]
NO_QUOTA = "100000000/1s"


class Ran(NamedTuple):
    """How a program went: seconds, most memory in megabytes, and what it printed as JSON."""

    seconds: float
    megabytes: float
    said: dict[str, Any]


class World(NamedTuple):
    """A sandbox that serves, and the environment that leads to it."""

    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.environment["PYRUS_URL"]

    def state(self) -> dict[str, Any]:
        """What the sandbox says of itself."""
        with urlopen(f"{self.url}/sandbox/state") as answer:
            found: dict[str, Any] = json.load(answer)["result"]
            return found

    def do(self, command: str, **given: Any) -> Any:
        """One of the sandbox's own commands, see pyrus_etl/sandbox/control.py."""
        with urlopen(Request(f"{self.url}/sandbox/{command}", json.dumps(given).encode())) as answer:
            return json.load(answer)["result"]


class Stand(NamedTuple):
    """A PostgreSQL as the product starts it, all its safety on; it answers on a port too."""

    url: Secret
    port: int
    password: str

    def by_password(self, database: Secret) -> Secret:
        """The same database for programs that know no socket."""
        name = psycopg.conninfo.conninfo_to_dict(database.reveal())["dbname"]
        return Secret(f"postgresql://{cluster.ROLE}:{self.password}@127.0.0.1:{self.port}/{name}")

    @contextmanager
    def database(self, name: str) -> Iterator[Secret]:
        """A database of its own, with the schema."""
        with psycopg.connect(self.url.reveal(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
            made = Secret(self.url.reveal().replace("/pyrus?", f"/{name}?"))
            upgrade(made)
            yield made
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute("CHECKPOINT")

    def vacuum(self, database: Secret) -> None:
        """Does now what autovacuum and the checkpointer would do at a time of their own."""
        with psycopg.connect(database.reveal(), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def asked(self, database: Secret, query: str) -> Any:
        """The one value that a query has."""
        with psycopg.connect(database.reveal(), autocommit=True) as connection:
            found = connection.execute(query.encode()).fetchone()
        return found[0] if found else None


@contextmanager
def standing(folder: Path) -> Iterator[Stand]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(folder / "postgresql", port) as url:
        yield Stand(url, port, folders.password_file(folder / "postgresql").read_text().strip())


@contextmanager
def world(tasks: int, *options: str) -> Iterator[World]:
    """A sandbox with so many tasks; answers are not packed, for that costs the two cores more than the work itself."""
    command = [sys.executable, "-m", "pyrus_etl", "sandbox", "serve", "--port", "0", "--tasks", str(tasks)]
    with subprocess.Popen(
        [*command, "--no-gzip", *options], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    ) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            told = [process.stdout.readline().removeprefix("export ").strip() for _ in range(4)]
            yield World(dict(line.split("=", 1) for line in told))
        finally:
            process.terminate()


def program(*arguments: str, world: World | None = None, database: Secret | None = None, **more: str) -> Ran:
    """Runs `pyrus-etl` with --json where it reports."""
    return run([sys.executable, "-m", "pyrus_etl", *arguments], world, database, PYRUS_ETL_LOG_LEVEL="WARNING", **more)


def run(command: list[str], world: World | None = None, database: Secret | None = None, **more: str) -> Ran:
    """Runs a program to its end; RuntimeError where that is not a good one."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(CHECKOUT)}
    environment |= (world.environment if world else {}) | {"PYRUS_ETL_QUOTA": NO_QUOTA} | more
    if database:
        environment["DATABASE_URL"] = database.reveal()
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return Ran(seconds, used.ru_maxrss / 1024, json.loads(said) if said.startswith("{") else {})
