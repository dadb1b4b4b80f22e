"""Contents on their way to a store."""

from typing import Protocol

from pyrus_etl.files.ahead import Blocks
from pyrus_etl.files.check import Check


class Contents(Protocol):
    """Contents that a store reads. If they raise, nothing is stored.

    `key`: contents with the same key have the same bytes; empty if that is not sure. `check`: the store adds every
    block to it, in order. `media_type`: known when the first block is there.
    """

    key: str

    check: Check
    media_type: str | None

    def blocks(self, start: int = 0) -> Blocks:
        """The contents block by block, from byte `start` on; read them once."""
        ...
