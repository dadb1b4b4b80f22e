"""Writes a file whole or not at all: aside first, then renamed, so that nobody reads half of it."""

import contextlib
import os
from pathlib import Path

from pyrus_etl.errors import SettingsError


def write_whole(path: Path, content: bytes, option: str) -> None:
    """Replaces the file; raises SettingsError, which names the option, if it cannot be written."""
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.exists() and not target.is_file():  # a device or a pipe is written to, not replaced
            target.write_bytes(content)
            return
        draft.write_bytes(content)
        draft.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise SettingsError(f"{option}: {path} cannot be written: {error.strerror}; name another file.") from error
