"""The folder of the embedded database: its place, its owner and its socket.

PostgreSQL refuses to run as root. For root, the folder belongs to another user, and the server runs as that user.
"""

import hashlib
import logging
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import platformdirs

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.programs import program

with suppress(ModuleNotFoundError):  # on Windows, which has no embedded server
    import pwd

log = logging.getLogger(__name__)

LONGEST_SOCKET_PATH = 100
LONGEST_FOLDER = 900
_SYSTEM_USER = "pyrus-etl"
_UNNAMED = (
    "set DATABASE_URL to a database of your own, or add the user to /etc/passwd and set XDG_DATA_HOME to a folder that "
    "it may write"
)
_ELSEWHERE = "set XDG_DATA_HOME to a folder that you may write, or DATABASE_URL to a database of your own"


class User(NamedTuple):
    """A user of the system; a container may have one without a name."""

    uid: int
    gid: int


def data_folder() -> Path:
    """The folder of the embedded database. Raises DatabaseUnavailable if this user has none."""
    if not (os.environ.get("XDG_DATA_HOME", "").strip() or "/").startswith("/"):
        raise DatabaseUnavailable(f"XDG_DATA_HOME is not an absolute path; {_ELSEWHERE}.")
    try:
        folder = platformdirs.user_data_path("pyrus-etl") / "postgresql-18"
    except RuntimeError:  # newer versions of platformdirs; older ones return a path that begins with ~
        folder = Path()
    if not folder.is_absolute():
        raise DatabaseUnavailable(
            f"The user with the id {os.geteuid()} has no home folder for the embedded database; {_UNNAMED}."
        )
    if not _is_possible(folder):
        raise DatabaseUnavailable(
            f"PostgreSQL cannot use the data folder {ascii(str(folder))[:200]}, because it is too long, is not "
            f"UTF-8, or has control characters; {_ELSEWHERE}."
        )
    return folder


def _is_possible(folder: Path) -> bool:
    """PostgreSQL stores the path as one line of a file, and programs read it as UTF-8."""
    return len(os.fsencode(folder)) <= LONGEST_FOLDER and not re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", str(folder))


def require_name(folder: Path) -> None:
    """Raises DatabaseUnavailable if the user of the server has no name: initdb needs one."""
    user = server_user(folder)
    uid = user.uid if user else os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError as error:
        raise DatabaseUnavailable(
            f"The user with the id {uid} has no name, so PostgreSQL cannot create the embedded database in {folder}; "
            f"{_UNNAMED}."
        ) from error


def password_file(folder: Path) -> Path:
    """The file with the password for connections over TCP."""
    return folder.parent / f"{folder.name}.password"


def make_private(folder: Path) -> None:
    """Creates the folder, which only the user who runs the server can read."""
    with preparing(folder):
        if not (folder / "PG_VERSION").exists():
            require_name(folder)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            _give_away(folder)


def lock_file(folder: Path, name: str) -> Path:
    """Creates a private file to lock, beside the folder."""
    file = folder.parent / f"{folder.name}.{name}"
    with preparing(folder):
        file.touch(mode=0o600)
    return file


@contextmanager
def preparing(folder: Path) -> Iterator[None]:
    """Turns an error of the system (no right, no space, no such user) into DatabaseUnavailable."""
    try:
        yield
    except (OSError, subprocess.CalledProcessError) as error:
        raise DatabaseUnavailable(f"The data folder {folder} cannot be prepared: {error}; {_ELSEWHERE}.") from error


def _give_away(folder: Path) -> None:
    """Gives root's folder to the server's user, and lets that user pass through the folders above it."""
    user = server_user(folder)
    if folder.stat().st_uid == 0 and user is not None:
        os.chown(folder, user.uid, -1)
    for passed in {*folder.parents, *Path(program("postgres")).parents}:
        mode = stat.S_IMODE(passed.stat().st_mode)
        if not mode & stat.S_IXOTH:
            log.info("making %s passable (not readable) for the database server, which cannot run as root", passed)
            passed.chmod(mode | stat.S_IXOTH)


def server_user(folder: Path) -> User | None:
    """The user that the server runs as; None if it is ours."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (owner := folder.stat()).st_uid != 0:
        return next((user for user in _users() if user.uid == owner.st_uid), User(owner.st_uid, owner.st_gid))
    return _named_user("postgres") or _named_user(_SYSTEM_USER) or _new_user()


def _users() -> Iterator[User]:
    return (User(user.pw_uid, user.pw_gid) for user in pwd.getpwall())


def _named_user(name: str) -> User | None:
    return next((User(user.pw_uid, user.pw_gid) for user in pwd.getpwall() if user.pw_name == name), None)


def _new_user() -> User | None:
    subprocess.run(["useradd", "--system", "--no-create-home", _SYSTEM_USER], capture_output=True, check=True)
    return _named_user(_SYSTEM_USER)


def socket_folder(folder: Path) -> Path:
    """The data folder itself, which is private, if libpq can reach a socket there; otherwise a temporary folder.

    A socket's path has to be short, and libpq takes a comma as the end of a host.
    """
    if _is_reachable(folder):
        return folder
    short = f"pyrus-etl-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    temporary = Path(tempfile.gettempdir()) / short
    return temporary if _is_reachable(temporary) else Path("/tmp") / short  # noqa: S108 -- make_ours() checks its owner


def _is_reachable(sockets: Path) -> bool:
    return len(os.fsencode(sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH and "," not in str(sockets)


def make_ours(sockets: Path, user: User | None) -> None:
    """Creates a folder among temporary files; refuses one of another user, who could listen there in our place."""
    sockets.mkdir(mode=0o700, exist_ok=True)
    us = {os.geteuid(), *([user.uid] if user else [])}
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in us:
        raise PermissionError(f"{sockets} belongs to another user; remove it")
    sockets.chmod(0o700)
    if user:
        os.chown(sockets, user.uid, -1)
