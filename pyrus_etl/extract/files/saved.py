"""Contents saved into a folder of this machine: written aside, checked, and only then given their name."""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from uuid import uuid4

from pyrus_etl.client.network.form import Contents
from pyrus_etl.errors import BodyCut, FileRefused, SettingsError
from pyrus_etl.files.hints import hint
from pyrus_etl.files.names import safe_name

TRIES = 3
MOST_NUMBERS = 10_000
_NUMBERABLE = re.compile(r"(?P<stem>.+?)(?P<ending>\.[^.]*)?", re.DOTALL)


class Saved(NamedTuple):
    """Where contents are, their size in bytes and their SHA-256."""

    path: Path
    size: int
    sha256: str


async def saved(contents: Contents, folder: Path) -> Saved:
    """Saves contents into a folder, which is made if it is missing.

    They get their name if it is safe for every system, and a number behind it if another file has it; a file that has
    the same bytes already is left as it is. Raises FileRefused, BodyCut, and SettingsError if they cannot be written.
    """
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for tries_left in reversed(range(TRIES)):
        try:
            return await _saved_once(contents, folder)
        except (BodyCut, FileRefused) as error:
            is_refused = isinstance(error, FileRefused) and error.status > 0  # final, unlike a wrong size
            if is_refused or not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


async def _saved_once(contents: Contents, folder: Path) -> Saved:
    with _explained(folder), _draft_in(folder) as draft:
        digest, size = hashlib.sha256(), 0
        async for piece in contents.open():
            draft.write(piece)
            digest.update(piece)
            size += len(piece)
        if contents.size not in (None, size):
            raise FileRefused(f"{contents.name!r} should have {contents.size:,} bytes and has {size:,}; try again.")
        draft.flush()
        os.fsync(draft.fileno())
        return Saved(
            _named(Path(draft.name), folder, safe_name(contents.name), digest.hexdigest()), size, digest.hexdigest()
        )


@contextlib.contextmanager
def _draft_in(folder: Path) -> Iterator[BinaryIO]:
    """A file with a name of its own, which is removed at the end."""
    path = folder / f".{uuid4().hex}.part"
    try:
        with path.open("xb") as draft:
            yield draft
    finally:
        path.unlink(missing_ok=True)


def _named(draft: Path, folder: Path, name: str, sha256: str) -> Path:
    """Gives the draft its name, or one with a number if that is taken; returns where the contents are."""
    for number in range(MOST_NUMBERS):
        path = folder / (_numbered(name, number) if number else name)
        try:
            os.link(draft, path)  # unlike a move, it never replaces a file
        except FileExistsError:
            if _hash_of(path) == sha256:
                return path
            continue
        except OSError:  # a file system without links
            if path.exists():
                continue
            os.rename(draft, path)
        return path
    raise SettingsError(f"{folder} has {MOST_NUMBERS:,} files named {name!r}; name another folder.")


def _numbered(name: str, number: int) -> str:
    parts = _NUMBERABLE.fullmatch(name)
    assert parts, "a safe name has at least one character"
    return f"{parts['stem']} ({number}){parts['ending'] or ''}"


def _hash_of(path: Path) -> str | None:
    """The SHA-256 of a file; None if it is not a file or cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if path.is_file() else None
    except OSError:
        return None


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turns errors of the file system into a sentence."""
    try:
        yield
    except OSError as error:
        raise SettingsError(f"--to: {str(folder)!r} cannot be written: {error.strerror}; {hint(error)}.") from error
