"""Standard streams that are closed, full, or not read: the work is still done, and the exit code shows the result."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

import pytest

from pyrus_etl.cli.terminal.streams import StandardStream
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from tests.processes import eventually
from tests.runs import command_line, program_environment
from tests.typing import Query

NOWHERE = Secret("postgresql://etl@127.0.0.1:1/nowhere")
LOGGED = "--log-level DEBUG"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(1, tasks=5)) as running:
        yield running


def in_shell(
    line: str, sandbox: Sandbox | None, database: Secret | None, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The result of a line of bash; the code is of the `pyrus-etl` in it, even at the head of a pipe."""
    script = f'run() {{ "$@"; echo $? > {folder}/code; }}\n{line}\n'
    shell = ["bash", "-c", script.replace("pyrus-etl", " ".join(["run", *command_line()]))]
    settings = program_environment(sandbox, database, **environment)
    ended = subprocess.run(shell, env=settings, cwd=folder, capture_output=True, text=True, timeout=300)
    ended.returncode = int((folder / "code").read_text(encoding="utf-8"))
    return ended


@pytest.mark.parametrize(
    "line",
    [
        "pyrus-etl sync 2>&-",
        f"pyrus-etl sync {LOGGED} <&- >&- 2>&-",
        f"pyrus-etl sync {LOGGED} 2>/dev/full",
        f"pyrus-etl sync {LOGGED} --log-format json >/dev/full 2>&1",
        "pyrus-etl sync | true",
        f"pyrus-etl sync --json {LOGGED} 2>&1 | true",
        f"pyrus-etl sync {LOGGED} 2> >(exec true)",
    ],
)
def test_a_sync_that_cannot_write_output_still_does_its_work(
    sandbox: Sandbox, database: Secret, query: Query, tmp_path: Path, line: str
) -> None:
    ended = in_shell(line, sandbox, database, tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(5,)]
    assert query(database, "SELECT status FROM pyrus.sync_runs") == [("ok",)]
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_full_disk_under_the_summary_is_a_warning(sandbox: Sandbox, database: Secret, tmp_path: Path) -> None:
    ended = in_shell("pyrus-etl sync >/dev/full", sandbox, database, tmp_path)

    assert ended.returncode == 0
    assert "could not be written to stdout: No space left on device" in ended.stderr


@pytest.mark.parametrize("redirection", ["--json >/dev/full", "| true"])
def test_tasks_set_aside_are_6_even_if_nobody_reads_the_output(
    database: Secret, tmp_path: Path, redirection: str
) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        sandbox.world.put(sandbox.world.task_ids()[0], b'{"TaskWithNotes": 5}')
        ended = in_shell(f"pyrus-etl sync {redirection}", sandbox, database, tmp_path)

    assert ended.returncode == 6, ended.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "--json >/dev/full 2>&1", "--json 2>&1 | true"])
def test_a_failure_keeps_its_exit_code_if_its_sentence_cannot_be_written(tmp_path: Path, redirection: str) -> None:
    ended = in_shell(f"pyrus-etl status {redirection}", None, NOWHERE, tmp_path)

    assert ended.returncode == 5
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("command", ["status --json", "check", "db url", "--help"])
def test_requested_output_that_cannot_be_written_is_2_and_a_sentence(
    sandbox: Sandbox, database: Secret, tmp_path: Path, command: str
) -> None:
    ended = in_shell(f"pyrus-etl {command} >/dev/full", sandbox, database, tmp_path)

    assert ended.returncode == 2
    assert "pyrus-etl: The output cannot be written: No space left on device." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_stops_early_is_not_an_error(database: Secret, tmp_path: Path) -> None:
    ended = in_shell("pyrus-etl status --json | head -c 1", None, database, tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "{", "")


def test_a_failing_check_fails_even_if_nobody_reads_it(sandbox: Sandbox, database: Secret, tmp_path: Path) -> None:
    ended = in_shell("pyrus-etl check | true", sandbox, database, tmp_path, PYRUS_SECURITY_KEY="wrong")

    assert (ended.returncode, ended.stderr) == (3, "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("pyrus-etl report --html /dev/full", "/dev/full cannot be written: No space left on device"),
        ("ulimit -f 100; pyrus-etl report --html page.html", "page.html cannot be written: File too large"),
    ],
)
def test_a_page_that_does_not_fit_on_the_disk_is_2_and_leaves_no_partial_file(
    database: Secret, tmp_path: Path, line: str, reason: str
) -> None:
    ended = in_shell(line, None, database, tmp_path)

    assert ended.returncode == 2
    assert reason in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["code"]


@pytest.mark.parametrize("names", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_letters_that_an_encoding_lacks_are_escaped(tmp_path: Path, names: dict[str, str]) -> None:
    line = "pyrus-etl sync --json --config $'/nowhere/\\xffщ'"
    ended = in_shell(line, None, NOWHERE, tmp_path, PYTHONUTF8="0", **names)

    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "/nowhere/" in ended.stderr
    assert json.loads(ended.stdout)["exit_code"] == 2


def test_a_slow_reader_gets_everything_from_a_nonblocking_pipe() -> None:
    """Another program that shares the pipe may have set O_NONBLOCK on it: a write then fails while it is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text = b"0123456789abcdef" * 65_536
    with ThreadPoolExecutor() as pool, open(reader, "rb") as read:
        taken = pool.submit(read.read)
        with StandardStream(writer, "w") as stream, BufferedWriter(stream) as buffered:
            buffered.write(text)

        assert taken.result() == text
    assert stream.failure is None


def test_sync_every_goes_on_without_room_for_its_log(sandbox: Sandbox, database: Secret, query: Query) -> None:
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen(
            command_line("sync", "--every", "1s", "--log-level", "DEBUG"),
            env=program_environment(sandbox, database),
            stdout=full,
            stderr=full,
        )
    with process:
        try:
            eventually(lambda: query(database, "SELECT count(*) > 2 FROM pyrus.sync_runs")[0][0])
        finally:
            process.terminate()

    assert process.returncode == 143


@pytest.mark.parametrize(("ignored", "code"), [("", 129), ("HUP", 0)], ids=["closed", "nohup"])
def test_a_closed_terminal_ends_a_run_cleanly_unless_nohup(
    database: Secret, query: Query, ignored: str, code: int
) -> None:
    with Sandbox(World(1, tasks=120), faults=Faults(slow=1.0, seconds=0.8)) as sandbox:
        with on_terminal(f"trap '' {ignored}; exec", command_line("sync"), sandbox, database) as process:
            eventually(lambda: query(database, "SELECT count(*) > 0 FROM pyrus.tasks")[0][0])

        sandbox.faults = Faults()
        assert process.wait(timeout=300) == code
    assert query(database, "SELECT status FROM pyrus.sync_runs") == [("partial" if code else "ok",)]


@contextmanager
def on_terminal(
    before: str, command: list[str], sandbox: Sandbox, database: Secret
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that a shell starts on its own terminal, which is closed at the end of the block."""
    ours, its = pty.openpty()
    takes_terminal = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp('sh', sys.argv[1:])"
    )
    shell = ["sh", "-c", f'{before} "$@"', "sh", *command]
    process = subprocess.Popen(
        [sys.executable, "-c", takes_terminal, *shell],
        env=program_environment(sandbox, database),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield process
    finally:
        os.close(ours)
