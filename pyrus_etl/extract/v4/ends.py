"""Which page of a register is its last one: an answer does not say whether there are more rows."""

from collections import Counter

PROOFS = 2
"""Registers that must end with a page of this length, until a page as long as the longest one may be the last."""


class Ends:
    """What a run has learned about the length of pages, from all registers.

    A server may cap a page below what was requested, but it caps all alike. So a page that is shorter than another one
    is not capped. One as long as the longest may be: the register is asked once more after its last row. `longest`:
    rows of the longest page.
    """

    def __init__(self) -> None:
        self.longest = 0
        self.is_capped = False
        self._proofs: Counter[int] = Counter()

    def note(self, rows: int) -> None:
        """Notes a page with this number of rows."""
        self.longest = max(self.longest, rows)

    def is_last(self, rows: int, asked: int) -> bool | None:
        """Whether a page is the last one of its register; None if unknown yet. A page of one row is never capped."""
        if rows == 0 or 1 < rows < self.longest:
            return True
        if rows >= asked:
            return False
        if rows == 1:
            return True
        return True if self._proofs[rows] >= PROOFS and not self.is_capped else None

    def note_next(self, rows: int, *, is_empty: bool) -> None:
        """Notes whether a page of this length was the last one of its register."""
        if is_empty:
            self._proofs[rows] += 1
        else:
            self.is_capped = True
