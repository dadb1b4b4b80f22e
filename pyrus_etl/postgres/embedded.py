"""The embedded PostgreSQL: a real server in the user's data folder, which runs while a process uses it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import fasteners
import psycopg

from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError
from pyrus_etl.postgres import cluster, upkeep
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.conninfo import Parts, forget_environment, uri
from pyrus_etl.postgres.folders import data_folder, lock_file, make_private, socket_folder
from pyrus_etl.postgres.programs import program
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

DATABASE = "pyrus"


_turn = threading.Lock()
"""Held while a thread of this process starts or stops a server: a lock between processes does not keep out threads."""


class _Users(NamedTuple):
    """The threads of this process that use a server, and the lock by which other processes know of them."""

    lock: fasteners.InterProcessReaderWriterLock
    threads: int


_users: dict[Path, _Users] = {}
"""The servers that this process uses, by their folders."""


@contextmanager
def serving(folder: Path | None = None, port: int | None = None, database: str = DATABASE) -> Iterator[Secret]:
    """Runs the server while the block lasts, and yields the URL of a database in it, which it creates if need be.

    Several processes and threads may use it at once: the first one starts it and the last one stops it, even if others
    were killed. With `port` it also listens on 127.0.0.1, with a password. libpq's variables are removed from this
    process, because they do not refer to this server. Raises DatabaseUnavailable, or SettingsError if PostgreSQL is not
    installed.
    """
    program("postgres")
    forget_environment()
    folder = folder or data_folder()
    make_private(folder)
    starting = fasteners.InterProcessLock(lock_file(folder, "starting"))
    with _turn, starting:
        _start(folder, port)
        _join(folder)
    try:
        with _turn, starting:  # of several users of a new server, one creates the database
            _ensure_database(folder, database)
        yield url_of(folder, database)
    finally:
        with _turn, starting:
            _leave(folder)


def exists(folder: Path) -> bool:
    """Whether the folder has a server, running or not."""
    return (folder / "PG_VERSION").exists()


def _start(folder: Path, port: int | None) -> None:
    """Starts the server if it does not run."""
    if not exists(folder):
        cluster.create(folder)
    if not cluster.is_running(folder):
        cluster.start(folder, port)
    elif port is not None:
        raise DatabaseUnavailable("The embedded server already runs without a port; try again when no command uses it.")


def _join(folder: Path) -> None:
    if folder in _users:
        lock, threads = _users[folder]
    else:
        lock, threads = fasteners.InterProcessReaderWriterLock(lock_file(folder, "users")), 0
        lock.acquire_read_lock()
    _users[folder] = _Users(lock, threads + 1)


def _leave(folder: Path) -> None:
    """Stops the server if nobody uses it any more."""
    lock, threads = _users.pop(folder)
    if threads > 1:
        _users[folder] = _Users(lock, threads - 1)
        return
    lock.release_read_lock()
    try:
        if lock.acquire_write_lock(blocking=False):  # nobody else has a read lock
            try:
                _vacuum(folder)
            finally:
                cluster.stop(folder)
    finally:
        lock.release_write_lock()  # also closes the file


def url_of(folder: Path, database: str = DATABASE) -> Secret:
    """The URL of an embedded database. Only this user can connect, and only while the server runs."""
    return Secret(uri(parts_of(folder, database)))


def parts_of(folder: Path, database: str) -> Parts:
    """The parameters of a connection over the server's socket; if no server runs, over the socket that it will have."""
    lines = cluster.lock_file_lines(folder)
    port, sockets = (lines[3], lines[4]) if len(lines) > 4 else ("", "")
    return {
        "user": cluster.ROLE,
        "dbname": database,
        "host": sockets or str(socket_folder(folder)),
        "port": port if port.isdecimal() else str(cluster.PORT),
    }


def _ensure_database(folder: Path, database: str) -> None:
    try:
        with psycopg.connect(uri(parts_of(folder, "postgres")), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {database}")
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"The embedded database in {folder} does not answer: {error}; see server.log there."
        ) from error


def _vacuum(folder: Path) -> None:
    """Removes dead rows before the server stops; it rarely runs long enough for autovacuum."""
    try:
        with connect(url_of(folder)) as connection:
            upkeep.vacuum(connection)
    except (PyrusEtlError, psycopg.Error) as error:  # the command has done its work
        log.debug("the embedded database could not be vacuumed: %s", error)
