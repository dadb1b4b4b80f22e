"""Secrets are in no output, table, log line, error, command line, or file that others may read."""

import json
import os
import re
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError
from pyrus_etl.postgres import cluster, folders
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from tests import mistaken
from tests.processes import eventually, launched
from tests.runs import program, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.services import need
from tests.typing import Query

KEY, TOKEN, PASSWORD = "canary-of-the-key", "canary-of-the-token", "canary-of-the-password"
SECRETS = r"canary|sandbox-\d{6}"
"""The canaries, and the tokens that a sandbox issues."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with a canary as its security key."""
    with Sandbox(World(1, tasks=20), security_key=KEY) as sandbox:
        yield sandbox


@pytest.fixture
def guarded(database: Secret) -> Secret:
    """The database's URL with a password, although its socket accepts any."""
    return Secret(database.reveal().replace("postgres@", f"postgres:{PASSWORD}@"))


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_failure_puts_a_secret_into_any_output_or_table(
    sandbox: Sandbox, guarded: Secret, query: Query, form: str, impatient: None
) -> None:
    sandbox.faults = Faults(error=0.1, reset=0.1, html=0.1, short=0.1, retry_after=0)
    output = ""
    for command in ("db upgrade", "check", "sync", "reconcile", "errors retry", "status", "errors list", "db url"):
        loud = ["--log-level", "DEBUG", "--log-format", form]
        process = program(*command.split(), *loud, sandbox=sandbox, database=guarded)
        assert process.returncode == 0, process.stderr
        output += process.stdout + process.stderr

    assert not re.findall(SECRETS, output)
    for (table,) in query(guarded, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'pyrus'"):
        assert query(guarded, f"SELECT row FROM pyrus.{table} AS row WHERE row::text ~ '{SECRETS}'") == []


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"PYRUS_SECURITY_KEY": f"{KEY}-and-wrong"}, 3),
        ({"PYRUS_ACCESS_TOKEN": TOKEN}, 3),
        ({"PYRUS_ACCESS_TOKEN": f"{TOKEN}\nX-Injected: 1"}, 2),
        ({"PYRUS_URL": "http://127.0.0.1:1"}, 4),
        ({"DATABASE_URL": f"postgresql://etl:{PASSWORD}@127.0.0.1:1/x"}, 5),
        ({"DATABASE_URL": f"postgresql://etl:{PASSWORD}@127.0.0.1:1/x?sslmode=none"}, 2),
        ({"DATABASE_URL": f"postgresql://etl:{PASSWORD}@[::1/x"}, 2),
    ],
    ids=lambda value: value if isinstance(value, int) else next(iter(value)),
)
def test_no_secret_is_in_an_error_or_its_cause(
    sandbox: Sandbox, guarded: Secret, environment: dict[str, str], code: int, impatient: None
) -> None:
    process = program("sync", "--json", "--log-level", "DEBUG", sandbox=sandbox, database=guarded, **environment)

    assert process.returncode == code, process.stderr
    assert not re.findall(SECRETS, process.stdout + process.stderr)

    with pytest.raises(PyrusEtlError) as raised:
        sync(sandbox, Secret(environment.get("DATABASE_URL", guarded.reveal())), **environment)

    assert not re.findall(SECRETS, repr(with_causes(raised.value)))


def test_no_secret_is_in_the_traceback_of_an_internal_error(
    sandbox: Sandbox, guarded: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTS_PROGRAM", mistaken.__name__)
    process = program("sync", "--json", "--log-level", "DEBUG", sandbox=sandbox, database=guarded)

    assert process.returncode == 1
    assert "Traceback" in process.stderr
    assert not re.findall(SECRETS, process.stdout + process.stderr)


@pytest.mark.parametrize(
    "reply",
    [
        lambda secret: Reply(403, json.dumps({"ApiException": {"Code": "Odd", "Message": secret}}).encode()),
        lambda secret: Reply(500, secret.encode(), {"Date": secret, "Retry-After": secret}),
        lambda secret: Reply(302, b"", {"Location": f"http://127.0.0.1:1/{secret}"}),
        lambda secret: Reply(200, f"<html>{secret}".encode()),
        lambda secret: Reply(200, secret.encode()),
        lambda secret: Reply(200, b"{}", {"Content-Length": secret}),
        lambda secret: Reply(200, b"{}", {secret: "a header"}),
        lambda secret: Reply(200, b"{}", {"Content-Encoding": secret}),
    ],
)
@pytest.mark.parametrize("asked_for", ["getaccesstoken", "profile", "task/"])
def test_a_secret_that_the_server_echoes_is_masked(
    sandbox: Sandbox,
    guarded: Secret,
    query: Query,
    reply: Callable[[str], Reply],
    asked_for: str,
    impatient: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def echo(asked: Asked) -> Reply | None:
        secret = asked.headers.get("Authorization") or json.loads(asked.body or b"{}").get("SecurityKey")
        return reply(secret) if asked_for in asked.path else None

    caplog.set_level("DEBUG", "pyrus_etl")
    error: PyrusEtlError | None = None
    with in_front_of(sandbox, echo) as server:
        try:
            sync(sandbox, guarded, PYRUS_URL=server.url)
        except PyrusEtlError as raised:
            error = raised

    assert error or query(guarded, "SELECT task_id FROM pyrus.sync_errors")
    assert not re.findall(SECRETS, caplog.text + repr(with_causes(error)))
    for table in ("sync_errors", "sync_runs"):
        assert query(guarded, f"SELECT row FROM pyrus.{table} AS row WHERE row::text ~ '{SECRETS}'") == []


def test_no_secret_is_in_a_command_line(guarded: Secret, query: Query) -> None:
    with (
        Sandbox(World(1, tasks=300), security_key=KEY, faults=Faults(slow=1.0, seconds=0.1)) as sandbox,
        launched("sync", sandbox=sandbox, database=guarded) as run,
        launched("db", "shell", "--", "-c", "SELECT pg_sleep(9)", database=guarded) as shell,
    ):
        eventually(lambda: query(guarded, "SELECT count(*) FROM pyrus.tasks")[0][0])
        eventually(lambda: "psql" in command_lines(shell.pid))
        seen = command_lines(run.pid) + command_lines(shell.pid)

    assert "pg_sleep" in seen
    assert not re.findall(SECRETS, seen)


def test_files_of_the_embedded_database_are_private_and_its_password_is_in_no_command_line() -> None:
    with (
        anything_goes(),
        tempfile.TemporaryDirectory(prefix="home-") as home,
        launched("db", "serve", "--port", str(free_port()), HOME=home, XDG_DATA_HOME=f"{home}/data") as process,
    ):
        assert process.stdout
        process.stdout.readline()
        (password,) = Path(home).rglob("*.password")
        (server,) = Path(home).rglob("postmaster.pid")
        seen = command_lines(process.pid) + command_lines(int(server.read_text(encoding="utf-8").split()[0]))
        open_to_others = [path for path in (password.parent, *password.parent.rglob("*")) if others_may(path)]
        secret = password.read_text(encoding="utf-8").strip()
        process.terminate()
        process.wait()

    assert "checkpointer" in seen
    assert secret not in seen
    assert open_to_others == []


def test_a_socket_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25) / "pg"
    sockets = folders.socket_folder(folder)
    sockets.symlink_to(tmp_path)
    try:
        with pytest.raises(DatabaseUnavailable, match="belongs to another user"):
            cluster.start(folder, None)
    finally:
        sockets.unlink()


@contextmanager
def anything_goes() -> Iterator[None]:
    """Without a umask, so that files have the mode that the program gives them."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def with_causes(error: BaseException | None) -> list[BaseException]:
    """An error and all its causes, as a traceback shows them."""
    found = []
    while error:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def command_lines(pid: int) -> str:
    """The command lines of a process and of its children, which every user can see; nothing if it has ended."""
    need("proc", Path(f"/proc/self/task/{os.getpid()}/children").exists())
    try:
        found = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ") + "\n"
        found += Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return found + "".join(command_lines(int(child)) for child in children)


def others_may(path: Path) -> bool:
    """Whether others may read or write it. For root, the folders above a server's may be traversable."""
    mode = path.lstat().st_mode
    return bool(mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IXOTH)
