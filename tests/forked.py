"""Runs `python -m …` as a fork of a process that has its imports already: half a second faster than a new process."""

import multiprocessing
import os
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.charts import make_once

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["pyrus_etl.cli.runs.runs", "pyrus_etl.cli.db.db", "pyrus_etl.cli.check", "pyrus_etl.reports.page.library"]
)

LONGEST = 300


class Running:
    """A program that runs, with what tests need of `subprocess.Popen`; it writes its output to files in a folder."""

    def __init__(
        self, module: str, arguments: list[str], environment: dict[str, str], folder: Path, uid: int | None = None
    ) -> None:
        self.arguments = arguments
        self._out, self._err, self._memory = folder / "out", folder / "err", folder / "memory"
        given = (module, arguments, environment, os.getcwd(), folder, uid)
        self._process = _processes.Process(target=_live, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """As `subprocess.Popen` gives it; None while the program runs."""
        return self._process.exitcode

    def wait(self, timeout: float = LONGEST) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.arguments, timeout)
        return self._process.exitcode

    def communicate(self, timeout: float = LONGEST) -> tuple[str, str]:
        """Waits for the end; returns what the program wrote to its standard output and error."""
        self.wait(timeout)
        return self._out.read_text("utf-8"), self._err.read_text("utf-8")

    def logged(self) -> str:
        """What the program has written to its standard error so far."""
        return self._err.read_text("utf-8") if self._err.exists() else ""

    def memory(self) -> int:
        """The peak memory of the ended program in bytes, with the imports that it had when it was forked."""
        return int(self._memory.read_text("utf-8")) * 1024

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self.returncode is None:
            self.send_signal(signal.SIGKILL)


@contextmanager
def running(
    module: str, arguments: list[str], environment: dict[str, str], uid: int | None = None
) -> Iterator[Running]:
    """The program, which is killed at the end of the block if it still runs.

    With `uid`, it runs as that user, without groups or other rights.
    """
    with tempfile.TemporaryDirectory(prefix="program-") as folder:
        process = Running(module, arguments, environment, Path(folder), uid)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def run_module(
    module: str, arguments: list[str], environment: dict[str, str], uid: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the program and returns the same as `subprocess.run`; raises TimeoutExpired after two minutes."""
    with running(module, arguments, environment, uid) as process:
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.wait(), out, err)


def _live(
    module: str, arguments: list[str], environment: dict[str, str], cwd: str, folder: Path, uid: int | None
) -> None:
    """Runs the program in the child, with its own working folder, environment, output and arguments."""
    make_once()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if the tests run in the background of a script
    for number, name in ((1, "out"), (2, "err")):
        with (folder / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    memory = (folder / "memory").open("w", encoding="utf-8")
    if uid is not None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        with memory:
            memory.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
