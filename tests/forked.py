"""Runs `python -m …` as a fork of a process that has its imports already: half a second faster than a new process."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["pyrus_etl.cli.runs", "pyrus_etl.cli.db", "pyrus_etl.cli.check"])

LONGEST = 120


def run_module(
    module: str, arguments: list[str], environment: dict[str, str], uid: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the program and returns the same as `subprocess.run`; raises TimeoutExpired after two minutes.

    With `uid`, the program runs as that user, without groups or other rights.
    """
    with tempfile.TemporaryDirectory(prefix="program-") as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _processes.Process(target=_live, args=(module, arguments, environment, os.getcwd(), out, err, uid))
        process.start()
        process.join(LONGEST)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, LONGEST)
        return subprocess.CompletedProcess(arguments, process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))


def _live(
    module: str, arguments: list[str], environment: dict[str, str], folder: str, out: Path, err: Path, uid: int | None
) -> None:
    """Runs the program in the child, with its own folder, environment, output and arguments."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    if uid is not None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
