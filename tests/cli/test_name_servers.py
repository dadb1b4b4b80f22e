"""A name server that never answers: a run gives up in time, and a signal ends it at once."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.errors import DatabaseUnavailable, PyrusUnreachable
from pyrus_etl.extract.v3.api import RestApi, client_for
from pyrus_etl.postgres.connection import connect
from pyrus_etl.settings import Secret, Waits, load_settings
from tests.runs import command_line, program_environment
from tests.services import need

PYRUS: dict[str, Any] = {"PYRUS_URL": "https://pyrus.example", "PYRUS_ACCESS_TOKEN": "given"}
NAME_SERVER = f"127.1.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
ELSEWHERE = ["unshare", "--mount", "sh", "-c", 'mount --bind resolv.conf /etc/resolv.conf && exec "$@"', "sh"]
"""Runs a program with a resolv.conf of its own."""


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No look-up of a name ever ends."""
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait())
    yield
    never.set()


@pytest.fixture
def name_server(tmp_path: Path) -> Iterator[socket.socket]:
    """A name server that never answers; skips the test if a program cannot get its own resolv.conf."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\noptions timeout:30 attempts:5\n", "utf-8")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        may_mount = subprocess.run([*ELSEWHERE, "true"], cwd=tmp_path, capture_output=True).returncode == 0
        need("mount", may_mount and os.geteuid() == 0)
        server.bind((NAME_SERVER, 53))
        server.settimeout(60)
        yield server


@pytest.mark.usefixtures("silent")
def test_a_run_gives_up_if_the_name_of_pyrus_is_never_resolved() -> None:
    waits = Waits(connect=0.05, unreachable=0.1)

    async def ask() -> None:
        async with client_for(replace(load_settings({}, PYRUS), waits=waits)) as http:
            await RestApi(http).profile()

    with pytest.raises(
        PyrusUnreachable, match=r"no connection to pyrus\.example in time; check PYRUS_URL and the network"
    ):
        asyncio.run(ask())


@pytest.mark.usefixtures("silent")
def test_a_run_gives_up_if_the_name_of_the_database_is_never_resolved() -> None:
    with pytest.raises(
        DatabaseUnavailable, match=r"no connection in 0\.1 seconds; check that .* DATABASE_URL names it"
    ) as raised:
        connect(Secret("postgresql://etl@db.example/pyrus"), within=0.1)
    assert raised.value.is_lost, "so a worker, or `serve`, tries again"


@pytest.mark.parametrize(
    ("command", "missing", "number"),
    [
        ("sync", "pyrus.example", signal.SIGTERM),
        ("sync", "db.example", signal.SIGTERM),
        ("check", "db.example", signal.SIGINT),
    ],
)
def test_a_signal_ends_the_program_with_an_object_while_a_name_is_looked_up(
    command: str, missing: str, number: signal.Signals, name_server: socket.socket, database: Secret, tmp_path: Path
) -> None:
    elsewhere = {"DATABASE_URL": "postgresql://etl@db.example/pyrus"} if missing == "db.example" else {}
    environment = program_environment(None, database, **{**PYRUS, **elsewhere})
    arguments = [*ELSEWHERE, *command_line(command, "--json")]
    with subprocess.Popen(arguments, env=environment, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        try:
            question = name_server.recv(1000)
            process.send_signal(number)
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()

    assert missing.split(".")[0].encode() in question
    assert process.returncode == 128 + number
    assert json.loads(out)["exit_code"] == 128 + number
