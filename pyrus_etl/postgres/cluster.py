"""Creates, starts and stops a PostgreSQL cluster in a folder. No shell ever interprets the folder's name."""

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
    """Creates the cluster beside its final folder and then moves it there, so that it is complete or absent."""
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
    """Writes a new password to its file, and yields a temporary copy that the server's user can read."""
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
    if ended := _started.pop(folder, None):
        ended.wait(LONGEST_STOP)  # it removes its lock file a moment before it ends
    with preparing(folder):
        sockets = socket_folder(folder)
        if sockets != folder:
            make_ours(sockets, server_user(folder))
        with _log(folder) as output:
            log_start = os.lseek(output, 0, os.SEEK_END)
            _started[folder] = subprocess.Popen(
                _command(folder, sockets, port),
                **_as_server(folder),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C must not reach it
            )
    _await_ready(folder, _started[folder], log_start)


def _command(folder: Path, sockets: Path, port: int | None) -> list[str]:
    """The server's command line. In an item of a list, quotes are doubled."""
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
    """The server's log, opened for appending; the file belongs to the server's user."""
    file = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        if user := server_user(folder):
            os.chown(file, user.uid, -1)
        yield file
    finally:
        os.close(file)


def _await_ready(folder: Path, server: subprocess.Popen[bytes], log_start: int) -> None:
    """Waits until the server is ready; if it does not start, raises what it logged from byte `log_start` on."""
    end = time.monotonic() + LONGEST_START
    try:
        while not _is_ready(folder, server.pid):
            if server.poll() is not None or time.monotonic() > end:
                raise _unusable(folder, (folder / "server.log").read_bytes()[log_start:].decode(errors="replace"))
            time.sleep(0.02)
    except BaseException:
        server.terminate()
        raise


def _is_ready(folder: Path, pid: int) -> bool:
    """Whether the server's lock file says so: line 1 is its process id, line 8 its state."""
    lines = lock_file_lines(folder)
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].startswith("ready")


def lock_file_lines(folder: Path) -> list[str]:
    """process, folder, start, port, socket folder, address, memory, state; empty if no server runs.

    https://www.postgresql.org/docs/current/storage-file-layout.html lists them, under postmaster.pid.
    """
    try:
        return (folder / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []


def stop(folder: Path) -> None:
    try:
        server = _started.pop(folder, None)
        if server and server.poll() is None:
            server.send_signal(signal.SIGINT)  # a fast shutdown: it ends the connections
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
    """Runs `status` or `stop`. Not `start`, which would hand the folder to a shell: see start()."""
    _run([program("pg_ctl"), action, "-D", str(folder), *options], folder)


def _as_server(folder: Path) -> dict[str, Any]:
    """The options of Popen for a process of the server's user, without our groups."""
    user = server_user(folder)
    return {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": ()}


def _run(command: list[str], folder: Path) -> None:
    """Runs a program as the server's user. Raises DatabaseUnavailable with the end of its output."""
    try:
        subprocess.run(
            command, **_as_server(folder), cwd="/", stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
    except subprocess.CalledProcessError as error:
        raise _unusable(folder, (error.stderr or error.stdout).decode(errors="replace")) from error
    except OSError as error:
        raise _unusable(folder, str(error)) from error


def _unusable(folder: Path, output: str) -> DatabaseUnavailable:
    undated = re.sub(r"(?m)^[\d-]+ [\d:.]+ \S+ \[\d+\] ", "", output)
    end = " ".join(undated.split())[-500:].rstrip(".")
    remedy = (
        "Choose another --port"
        if "could not bind" in output
        else "Set XDG_DATA_HOME to another folder, or DATABASE_URL"
    )
    place = str(folder).removesuffix(NEW)
    return DatabaseUnavailable(f"The embedded database in {place} cannot be used: {end}. {remedy}.")
