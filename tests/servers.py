"""Real PostgreSQL servers for tests, each in a folder of its own, without the waits that keep data safe."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg

from pyrus_etl.postgres import cluster
from pyrus_etl.postgres.embedded import serving
from pyrus_etl.settings import Secret
from tests.services import need

OFF = ("fsync", "full_page_writes", "synchronous_commit", "jit")
"""The waits that keep data safe, and compiling: it takes longer than the queries of tests, and results are the same."""
MEMORY, ROOM = Path("/dev/shm"), 4 << 30


class Server(NamedTuple):
    """A running server; `sockets` is the folder of its socket, `folder` is its data folder."""

    sockets: Path
    folder: Path
    port: int = 5432

    def url(self, database: str) -> Secret:
        return Secret(f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='')}&port={self.port}")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres").reveal(), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def server_folder() -> Iterator[Path]:
    """Returns a folder in memory if there is room: database files are created and removed there in half the time."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir=MEMORY if roomy else None) as folder:
        yield Path(folder)


@contextmanager
def embedded_server(folder: Path) -> Iterator[Server]:
    """PostgreSQL 18 from the wheel, started as the product starts it."""
    with serving(folder / "pg") as url:
        sockets = psycopg.conninfo.conninfo_to_dict(url.reveal())["host"]
        server = Server(Path(str(sockets)), folder / "pg")
        for setting in OFF:
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
        yield server


@contextmanager
def installed_server(version: str, folder: Path) -> Iterator[Server]:
    """A server from Debian's packages; skips the test if it is not installed."""
    programs = Path(f"/usr/lib/postgresql/{version}/bin")
    need("postgresql", (programs / "initdb").exists())
    as_server: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_server = {"user": "postgres", "group": "postgres", "extra_groups": ()}
        shutil.chown(folder, "postgres")
    data = folder / "pg"

    def run(*command: str | Path) -> None:
        subprocess.run(command, **as_server, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    off = " ".join(f"-c {setting}=off" for setting in OFF)
    run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-h '' -k {folder} {off}", "start")
    try:
        yield Server(folder, data)
    finally:
        run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


@contextmanager
def stopped(server: Server, how: signal.Signals = signal.SIGINT) -> Iterator[None]:
    """Stops an embedded server for the block: SIGINT ends its connections first, SIGQUIT is like a power cut."""
    lock_file = server.folder / "postmaster.pid"
    os.kill(int(lock_file.read_text(encoding="utf-8").splitlines()[0]), how)
    while lock_file.exists():
        time.sleep(0.02)
    yield
    cluster.start(server.folder, None)
