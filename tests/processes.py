"""`pyrus-etl` as a program that runs beside the test, to be stopped, killed and watched."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.settings import Secret
from tests.forked import Running, running
from tests.runs import command_line, program_environment, program_module


@contextmanager
def started(
    *arguments: str, sandbox: Sandbox | None = None, database: Secret | None = None, **environment: str
) -> Iterator[Running]:
    """The running program; killed at the end of the block if it still runs."""
    with running(program_module(), list(arguments), program_environment(sandbox, database, **environment)) as process:
        yield process


@contextmanager
def launched(
    *arguments: str, sandbox: Sandbox | None = None, database: Secret | None = None, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """The same with a command line of its own, and with output that can be read while it runs."""
    process = subprocess.Popen(
        command_line(*arguments),
        env=program_environment(sandbox, database, **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def eventually(true: Callable[[], object], seconds: float = 60) -> None:
    """Waits until a condition is true; fails if it stays false."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
