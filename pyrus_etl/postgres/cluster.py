"""A PostgreSQL cluster in a folder: made, started and stopped, with no shell that could read the folder's name."""

import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.folders import make_ours, make_private, password_file, preparing, server_user, socket_folder
from pyrus_etl.postgres.programs import program

log = logging.getLogger(__name__)

ROLE = "postgres"
PORT = 5432
NEW = ".new"
LONGEST_START = LONGEST_STOP = 120
"""Seconds; recovery after a crash takes a while, and so does a checkpoint."""

_started: dict[Path, subprocess.Popen[bytes]] = {}
"""Servers that are children of this process."""


def create(folder: Path) -> None:
    """Makes the cluster beside its place and then moves it there, so that it is whole or not there at all."""
    log.info("creating the embedded database in %s", folder)
    new = folder.with_name(f"{folder.name}{NEW}")
    shutil.rmtree(new, ignore_errors=True)
    make_private(new)
    with preparing(folder), _password(folder, new) as copy:
        command = [program("initdb"), "-D", str(new), "-U", ROLE, "--auth-local=trust"]
        command += ["--auth-host=scram-sha-256", "--pwfile", str(copy)]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        _run(command, new)
    new.rename(folder)


@contextmanager
def _password(folder: Path, new: Path) -> Iterator[Path]:
    """A new password in its file; yields a copy for the user that runs the server, for a moment."""
    file = password_file(folder)
    file.touch(mode=0o600)
    file.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
    with tempfile.NamedTemporaryFile(mode="w", encoding="utf-8") as copy:
        copy.write(file.read_text(encoding="utf-8"))
        copy.flush()
        if user := server_user(new):
            os.chown(copy.name, user.uid, -1)
        yield Path(copy.name)


def start(folder: Path, port: int | None) -> None:
    """Starts the server and waits until it answers. Raises DatabaseUnavailable with the end of its log."""
    if ended := _started.get(folder):
        ended.poll()  # or it would stay a zombie
    with preparing(folder):
        sockets = socket_folder(folder)
        if sockets != folder:
            make_ours(sockets, server_user(folder))
        with _log(folder) as output:
            begun = os.lseek(output, 0, os.SEEK_END)
            _started[folder] = subprocess.Popen(
                _command(folder, sockets, port),
                **_as_server(folder),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us
            )
    _await_ready(folder, _started[folder], begun)


def _command(folder: Path, sockets: Path, port: int | None) -> list[str]:
    """The server's command line; a quoted item of a list doubles its quotes."""
    quoted = str(sockets).replace('"', '""')
    settings = {
        "port": port or PORT,
        "listen_addresses": "127.0.0.1" if port else "",
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",
        "max_connections": 40,
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [program("postgres"), "-D", str(folder), *options]


@contextmanager
def _log(folder: Path) -> Iterator[int]:
    """The server's log, to be continued; the file is the server's own."""
    file = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        if user := server_user(folder):
            os.chown(file, user.uid, -1)
        yield file
    finally:
        os.close(file)


def _await_ready(folder: Path, server: subprocess.Popen[bytes], begun: int) -> None:
    """Waits; what the server logs from `begun` on says why it does not start."""
    end = time.monotonic() + LONGEST_START
    try:
        while not _is_ready(folder, server.pid):
            if server.poll() is not None or time.monotonic() > end:
                raise _unusable(folder, (folder / "server.log").read_bytes()[begun:].decode(errors="replace"))
            time.sleep(0.02)
    except BaseException:
        server.terminate()
        raise


def _is_ready(folder: Path, pid: int) -> bool:
    """Whether the server says so in its lock file: its process in the first line, its state in the eighth."""
    lines = lock_file_lines(folder)
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].startswith("ready")


def lock_file_lines(folder: Path) -> list[str]:
    """process, folder, start, port, folder of the socket, address, memory, state; empty if no server runs."""
    try:
        return (folder / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []


def stop(folder: Path) -> None:
    try:
        server = _started.pop(folder, None)
        if server and server.poll() is None:
            server.send_signal(signal.SIGINT)  # the "fast" way: connections are ended
            server.wait(LONGEST_STOP)
        else:
            _pg_ctl(folder, "stop", "-w", "-t", str(LONGEST_STOP), "-m", "fast")
        if (sockets := socket_folder(folder)) != folder:
            sockets.rmdir()
    except (DatabaseUnavailable, OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s", error)


def is_running(folder: Path) -> bool:
    try:
        _pg_ctl(folder, "status")
    except DatabaseUnavailable:
        return False
    return True


def _pg_ctl(folder: Path, action: str, *options: str) -> None:
    """`status` and `stop` need no shell; `start` hands the folder to one, so start() does without it."""
    _run([program("pg_ctl"), action, "-D", str(folder), *options], folder)


def _as_server(folder: Path) -> dict[str, Any]:
    """How to start a process as the user of the server, without any of our groups."""
    user = server_user(folder)
    return {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": ()}


def _run(command: list[str], folder: Path) -> None:
    """Runs a program as the user of the server. Raises DatabaseUnavailable with the end of its output."""
    try:
        subprocess.run(
            command, **_as_server(folder), cwd="/", stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
    except subprocess.CalledProcessError as error:
        raise _unusable(folder, (error.stderr or error.stdout).decode(errors="replace")) from error
    except OSError as error:
        raise _unusable(folder, str(error)) from error


def _unusable(folder: Path, said: str) -> DatabaseUnavailable:
    undated = re.sub(r"(?m)^[\d-]+ [\d:.]+ \S+ \[\d+\] ", "", said)
    end = " ".join(undated.split())[-500:].rstrip(".")
    remedy = (
        "Choose another --port" if "could not bind" in said else "Set XDG_DATA_HOME to another folder, or DATABASE_URL"
    )
    place = str(folder).removesuffix(NEW)
    return DatabaseUnavailable(f"The embedded database in {place} cannot be used: {end}. {remedy}.")
