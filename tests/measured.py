"""The peak memory of a program."""

import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

# A small program between: the peak of a program that a test starts itself would count the test's own memory too.
_PARENT = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


class Ended(NamedTuple):
    """The exit code of a program, its output, and its peak memory in bytes."""

    code: int
    stdout: str
    stderr: str
    memory: int


def measured(command: list[str], environment: Mapping[str, str]) -> Ended:
    """Runs a program to its end."""
    process = subprocess.run(
        [sys.executable, "-c", _PARENT, *command], env=dict(environment), capture_output=True, text=True
    )
    *stdout, kilobytes = process.stdout.splitlines()
    return Ended(process.returncode, "\n".join(stdout), process.stderr, int(kilobytes) * 1024)
