"""Finds files with secrets that every user of the machine can read."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pyrus_etl.settings.text import stripped

OF_CONTAINERS = (Path("/run/secrets"), Path("/var/run/secrets"))
"""Where containers get secrets, for themselves only and readable for all."""


def exposed(path: str) -> Path | None:
    """The file, if it exists and every user can read it: it, and enter all folders above it."""
    try:
        file = Path(stripped(path)).expanduser().absolute()
        is_readable = file.stat().st_mode & stat.S_IROTH
        if os.name == "nt" or not is_readable or any(file.is_relative_to(folder) for folder in OF_CONTAINERS):
            return None
        return file if all(folder.stat().st_mode & stat.S_IXOTH for folder in file.resolve().parents) else None
    except (OSError, ValueError, RuntimeError):
        return None


def warnings_about_files(named: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yields a sentence for each file that is exposed; `named`: the sources that name files, and the paths."""
    for source, path in named:
        if stripped(path) and (file := exposed(path)):
            yield f"{source}: every user of this machine can read {file}; run chmod 600 {file}."
