"""Backups with PostgreSQL's own programs: https://www.postgresql.org/docs/current/app-pgdump.html."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres import conninfo
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.programs import program
from pyrus_etl.settings import Secret


def dump(url: Secret, path: Path, schemas: Sequence[str]) -> None:
    """Writes the schemas, as they are at this moment, to a file; it is incomplete if DatabaseUnavailable is raised."""
    only = [f"--schema={schema}" for schema in schemas]
    _run("pg_dump", url, [*only, "--format=custom", "--file", str(path)])


def restore(path: Path, url: Secret) -> None:
    """Creates all that is in the file, for the role of the URL; or nothing, and raises DatabaseUnavailable."""
    plain = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", url, [*plain, str(path)])


def _run(name: str, url: Secret, options: Sequence[str]) -> None:
    command = [_program(name, url), "--dbname", address(url), *options]
    ended = subprocess.run(command, env=environment(url), capture_output=True, text=True, errors="replace", check=False)
    if ended.returncode:
        said = " ".join(ended.stderr.split()) or f"it ended with {ended.returncode}"
        raise DatabaseUnavailable(f"{said}; nothing in the database has changed.")


def _program(name: str, url: Secret) -> str:
    """An installed program, unless it is older than the server, which it would refuse; else that of the wheel.

    An installed one may support TLS, which that of the wheel does not.
    """
    installed = shutil.which(name)
    if installed is None:
        return program(name)
    said = subprocess.run([installed, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+", said)
    with connect(url) as connection:
        return installed if found and int(found[0]) >= connection.info.server_version // 10000 else program(name)


def address(url: Secret) -> str:
    """Returns the URL without secrets, to print it or to pass it to a program, where other users can see it."""
    parts = conninfo.without_secrets(conninfo.parts_of(url))
    return conninfo.uri(conninfo.guarded(parts, os.environ, only=["hostaddr"]) if parts.get("host") else parts)


def environment(url: Secret) -> Mapping[str, str]:
    """Returns the environment with the password of the URL."""
    password = conninfo.parts_of(url).get("password")
    return {**os.environ, **({"PGPASSWORD": password} if password else {})}
