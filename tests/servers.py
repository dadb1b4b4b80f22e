"""PostgreSQL servers for tests: real ones, in a folder of their own, without the waits that keep data safe."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg
import pytest

from pyrus_etl.load.embedded import serving
from pyrus_etl.settings import Secret

CARELESS = ("fsync", "full_page_writes", "synchronous_commit")


class Server(NamedTuple):
    """A running server; `sockets` is the folder of its socket."""

    sockets: Path
    port: int = 5432

    def url(self, database: str) -> Secret:
        return Secret(f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='')}&port={self.port}")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres").reveal(), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def embedded_server(folder: Path) -> Iterator[Server]:
    """PostgreSQL 18 from the wheel, started as the product starts it."""
    with serving(folder / "pg") as url:
        sockets = psycopg.conninfo.conninfo_to_dict(url.reveal())["host"]
        server = Server(Path(str(sockets)))
        for setting in CARELESS:
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
        yield server


@contextmanager
def installed_server(version: str, folder: Path) -> Iterator[Server]:
    """A server of Debian's packages; skips the test where it is not installed."""
    programs = Path(f"/usr/lib/postgresql/{version}/bin")
    if not (programs / "initdb").exists():
        pytest.skip(f"PostgreSQL {version} is not installed")
    as_server: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_server = {"user": "postgres", "group": "postgres", "extra_groups": ()}
        shutil.chown(folder, "postgres")
    cluster = folder / "pg"

    def run(*command: str | Path) -> None:
        subprocess.run(command, **as_server, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run(programs / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    careless = " ".join(f"-c {setting}=off" for setting in CARELESS)
    run(programs / "pg_ctl", "-D", cluster, "-w", "-l", folder / "log", "-o", f"-h '' -k {folder} {careless}", "start")
    try:
        yield Server(folder)
    finally:
        run(programs / "pg_ctl", "-D", cluster, "-m", "immediate", "-w", "stop")
