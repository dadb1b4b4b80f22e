"""Comments that accounts write by an API, and the files that they upload for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from .answers import Refused
from .clock import DAY
from .dice import mix
from .drafts import Draft
from .files import described
from .people import EVERYBODY

Json = dict[str, Any]

FULL = {person.id: person.full for person in EVERYBODY}
CLOSES = {"Complete": True, "MarkAsDuplicate": True, "MarkAsIrrelevant": True, "Reopen": False}
"""Action → whether the task is closed after it."""
FIRST_UPLOADED = 1_900_000_000
"""Above it are the ids of uploaded files; those that the world writes itself are in `files`."""


class File(msgspec.Struct, frozen=True):
    """A file of a comment; `root` is the first version if this is a later one."""

    id: int
    name: str
    content: bytes
    root: int | None = None


class Comment(msgspec.Struct, frozen=True):
    """What an account has written; `author` is the id of its person. `action` is one of `CLOSES`, or nothing."""

    author: int
    text: str = ""
    files: tuple[File, ...] = ()
    action: str = ""


def write(draft: Draft, comment: Comment, date: int) -> None:
    """Appends the comment to a task."""
    note = draft.note(date, FULL[comment.author])
    draft.by_api.add(draft.places[-1])
    if comment.text:
        note["Text"] = comment.text
    if comment.action:
        note["ActivityAction"] = comment.action
        draft.closed = date if CLOSES[comment.action] else None
    if comment.files:
        note["Attachments"] = [shown(draft.origin, file) for file in comment.files]


def shown(origin: str, file: File) -> Json:
    return described(origin, file.id, file.name, file.content, file.root)


class Upload(msgspec.Struct, frozen=True):
    """A file that waits for a comment since an instant, by its id."""

    id: str
    name: str
    content: bytes
    at: int

    @property
    def md5(self) -> str:
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()


class Uploads:
    """Uploaded files. Those that no comment refers to are forgotten after a day."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0
        self._waiting: dict[str, Upload] = {}

    def add(self, name: str, content: bytes, now: int) -> Upload:
        self._count += 1
        written = mix(self._seed, self._count, 21).to_bytes(8, "big") + mix(self._seed, self._count, 22).to_bytes(
            8, "big"
        )
        upload = Upload(written.hex(), name, content, now)
        self._waiting = {key: one for key, one in self._waiting.items() if one.at > now - DAY} | {upload.id: upload}
        return upload

    def take(self, ids: Sequence[str], *, once: bool) -> list[Upload]:
        """The uploads with these ids, which are used up if they can be used `once`; refused if one is unknown."""
        known = [self._waiting[one.replace("-", "")] for one in ids if one.replace("-", "") in self._waiting]
        if len(known) < len(ids) or (once and len(set(ids)) < len(ids)):
            raise Refused("BehavioralUnrecognizedAttachmentId")
        for upload in known if once else ():
            del self._waiting[upload.id]
        return known
