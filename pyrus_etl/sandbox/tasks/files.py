"""Files that can be downloaded. A file's bytes are computed from its id, so none are stored."""

from __future__ import annotations

import hashlib
from typing import Any

from pyrus_etl.sandbox.organisation.dice import mix

FIRST_ID = 2_200_000_000
PER_TASK = 1024


def file_id(ordinal: int, place: int) -> int:
    return FIRST_ID + ordinal * PER_TASK + place % PER_TASK


def owner(file: int) -> int:
    """The ordinal of the file's task; negative if no task can have the file."""
    return (file - FIRST_ID) // PER_TASK


def contents(file: int) -> bytes:
    """The bytes of a file: about 200 to 2,100."""
    word = mix(file)
    return word.to_bytes(8, "big") * (24 + word % 240) + b"."


def attachment(origin: str, file: int, name: str, root: int | None = None) -> dict[str, Any]:
    """A file as a note or a form field shows it; `root` is the first version if this is a later one."""
    return described(origin, file, name, contents(file), root)


def described(origin: str, file: int, name: str, content: bytes, root: int | None = None) -> dict[str, Any]:
    """The same for a file whose bytes are given."""
    found: dict[str, Any] = {
        "Id": file,
        "Name": name,
        "Size": len(content),
        "DownloadUrl": f"{origin}/services/attachment?Id={file}",
        "MD5Hash": hashlib.md5(content, usedforsecurity=False).hexdigest().upper(),
    }
    if root is not None:
        found["ExistingId"] = root
    return found
