"""A file of this machine, to be uploaded."""

import asyncio
import mimetypes
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

from pyrus_etl.client.network.form import ANY_TYPE, Contents
from pyrus_etl.errors import FileRefused, SettingsError

PIECE = 1 << 18
"""Bytes that are read at once."""


def contents_of(path: str) -> Contents:
    """The contents of a file; raises SettingsError if it cannot be read."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait forever
            raise SettingsError(f"{path!r} is not a regular file; name one.")
        with Path(path).open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a path"
        raise SettingsError(f"{path!r} cannot be read: {reason}; name a readable file.") from error
    media_type = mimetypes.guess_type(path)[0] or ANY_TYPE
    return Contents(Path(path).name, status.st_size, media_type, lambda: _pieces(path))


def contents_within(folder: str | None, path: str) -> Contents:
    """The contents of a file in a folder, which a path may be relative to; raises FileRefused, with what to do.

    Links are followed, but not out of the folder.
    """
    if not folder:
        raise FileRefused(f"{path!r} is not attached: set PYRUS_ETL_WRITE_FILES to the folder whose files may be.")
    root = os.path.realpath(folder)
    found = os.path.realpath(os.path.join(root, path))
    if os.path.commonpath([root, found]) != root:
        raise FileRefused(f"{path!r} is not in {folder}, the folder of PYRUS_ETL_WRITE_FILES; move it there.")
    try:
        return contents_of(found)
    except SettingsError as error:
        raise FileRefused(str(error)) from error


async def _pieces(path: str) -> AsyncIterator[bytes]:
    """Reads the file piece by piece, in a thread, so that a slow disk holds up nothing else."""
    try:
        with Path(path).open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece
    except OSError as error:
        raise FileRefused(f"{path!r} cannot be read: {error.strerror}; try again.") from error
