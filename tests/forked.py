"""`python -m …` as a process forked from one that has imported what it needs, half a second sooner than a new one."""

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
    """The end of the program, as `subprocess.run` returns it; TimeoutExpired after two minutes.

    With `uid` the program runs as that user, without a group and with rights of its own to nothing.
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
    """The child's life: the folder, the environment, the output and the arguments of a program of its own."""
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
