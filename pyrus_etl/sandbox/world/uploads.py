"""Files that accounts upload, until a comment, a task or a form refers to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.clock import DAY
from pyrus_etl.sandbox.organisation.dice import mix


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

    def find(self, ids: Sequence[str], now: int) -> list[Upload]:
        """The uploads with these ids; refused if one is unknown, used up or forgotten."""
        known = [self._waiting[one.replace("-", "")] for one in ids if one.replace("-", "") in self._waiting]
        if len(known) < len(ids) or any(one.at <= now - DAY for one in known):
            raise Refused("BehavioralUnrecognizedAttachmentId")
        return known

    def use(self, ids: Sequence[str]) -> None:
        """Uses up these uploads: a second write that names one of them is refused."""
        for one in ids:
            self._waiting.pop(one.replace("-", ""), None)
