"""What holds of files: below the target, in the tables, and at the other service."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.simulation.invariants import require

Ask = Callable[[str], list[tuple[Any, ...]]]

UNFINISHED = re.compile(r"\.[^/]*\.part")
STORED = {
    "pyrus": "SELECT DISTINCT attachment_id::text, stored_uri, size_bytes, sha256 FROM pyrus.attachment_contents",
    "service": "SELECT file_id, stored_uri, size_bytes, sha256 FROM pyrus.service_file_contents",
}
COPIES = """
    SELECT attachment_id, external_task_id, external_file_id, status, attempts FROM pyrus.file_copies
"""
IN_DOUBT = "SELECT 1 FROM pyrus.file_copies WHERE status <> 'copied' AND attempts > 0"


def check_folder(folder: Path, truth: Mapping[str, bytes]) -> None:
    """Every file below a target is whole, in the folder of its own id, and alone there.

    `truth`: id → contents, of all files that there have been. What is unfinished has a name of its own at the top.
    """
    for place in folder.iterdir() if folder.exists() else ():
        if UNFINISHED.fullmatch(place.name) or place.name in ("paymo", "onlyoffice"):
            continue
        require(place.is_dir() and place.name in truth, f"{place} is below the target, and not known")
        for file in place.iterdir():
            require(file.is_file() and not file.is_symlink(), f"{file} is no file")
            require(file.read_bytes() == truth[place.name], f"{file} has its final name, and other contents")


def check_clean(folder: Path) -> None:
    """After a run that ended, a folder has one file, and nothing is unfinished."""
    for place in folder.iterdir() if folder.exists() else ():
        require(not UNFINISHED.fullmatch(place.name), f"{place} is left by a run that ended")
        files = [*place.iterdir()] if place.name not in ("paymo", "onlyoffice") else [place]
        require(len(files) < 2, f"{place} has {len(files)} files")


def check_stored(ask: Ask, sql: str, truth: Mapping[str, bytes], folder: Path) -> None:
    """Every recorded content is where the table says, with the size and the SHA-256 that it says."""
    for id_, uri, size, sha256 in ask(f"{sql} WHERE status = 'stored'"):
        path = Path(unquote(urlsplit(uri).path))
        require(path.is_relative_to(folder), f"{id_} is stored at {path}, outside of {folder}")
        require(path.is_file(), f"{id_} is recorded as stored, and {path} is not there")
        content = path.read_bytes()
        require(content == truth[id_], f"{path} has other contents than file {id_}")
        found = (len(content), hashlib.sha256(content).hexdigest())
        require(found == (size, sha256), f"{id_} is recorded as {size, sha256}, and is {found}")


def check_copies(there: Mapping[str, bytes], wanted: Counter[bytes], copies: list[tuple[Any, ...]], truth: Any) -> None:
    """No file was copied twice, unless `attempts` says that it may be, and each copy was recorded before it was sent.

    `there`: the files that were uploaded to the service. `wanted`: how many files of linked tasks have these contents.
    """
    found = Counter(there.values())
    tries: Counter[bytes] = Counter()
    for attachment, *_, attempts in copies:
        tries[truth[str(attachment)]] += max(attempts - 1, 0)
    twice = found - (wanted + tries)
    names = [(file_id, content[:20], len(content)) for file_id, content in there.items() if content in twice]
    require(not twice, f"at the service more often than wanted: {names}; {copies}")
    recorded = Counter(truth[str(attachment)] for attachment, *_ in copies)
    unknown = found.keys() - recorded.keys()
    require(not unknown, f"{len(unknown)} copies are there, and no row of file_copies says so")
    for attachment, _, file_id, status, _ in copies:
        if status == "copied" and file_id in there:
            require(there[file_id] == truth[str(attachment)], f"{file_id} is not the copy of {attachment}")
