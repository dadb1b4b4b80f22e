"""The script that draws the charts, made once for all tests: it takes a JavaScript engine two seconds and 100 MB."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import fasteners

from pyrus_etl.reports.page import library

FILE = "TESTS_CHARTS"
"""The environment variable with the file of the script, for programs that are forked."""
MAKE = """
import pathlib, sys
from pyrus_etl.reports.page.library import make
new = pathlib.Path(sys.argv[1] + ".new")
new.write_text(make(), "utf-8")
new.rename(sys.argv[1])
"""


def make_once() -> None:
    """Pages of this process take the script from that file; the first one has it made, by another process."""
    if FILE in os.environ:
        library.make = partial(_made, Path(os.environ[FILE]))


def _made(file: Path) -> str:
    with fasteners.InterProcessLock(file.with_suffix(".lock")):
        if not file.exists():
            checkout = {"PYTHONPATH": str(Path(__file__).parents[1])}
            subprocess.run([sys.executable, "-c", MAKE, file], env=checkout, check=True)
    return file.read_text("utf-8")
