"""What contents are, found out while they are stored, and whether that is what their service stated."""

import hashlib
from typing import Any


class Corrupt(Exception):
    """Contents are whole, but others than stated."""


class Check:
    """The size and the digests of contents.

    `size`, `md5`: as stated, if they are. `add` takes the contents block by block, in any thread; hashlib lets other
    threads run meanwhile.
    """

    def __init__(self, size: int | None = None, md5: str | None = None) -> None:
        self._stated_size = size
        self._stated_md5 = md5.strip().lower() if md5 else None
        self._sha256 = hashlib.sha256()
        self._md5: Any = hashlib.md5(usedforsecurity=False) if self._stated_md5 else None
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def add(self, block: bytes) -> None:
        self.size += len(block)
        self._sha256.update(block)
        if self._md5:
            self._md5.update(block)

    def check_size(self, size: int) -> None:
        """Raises Corrupt if this is more than the stated number of bytes."""
        if self._stated_size is not None and size > self._stated_size:
            raise Corrupt(f"it has more than the stated {self._stated_size:,} bytes")

    def verify(self) -> None:
        """Raises Corrupt if the contents, which are whole now, are others than stated."""
        if self._stated_size is not None and self.size != self._stated_size:
            raise Corrupt(f"it has {self.size:,} bytes, not the stated {self._stated_size:,}")
        if self._md5 and (found := self._md5.hexdigest()) != self._stated_md5:
            raise Corrupt(f"its MD5 is {found}, not the stated {self._stated_md5}")
