"""Which page of a register is its last one: an answer does not say whether there are more rows."""


class Ends:
    """What a run has learned about the length of pages, from all registers.

    A server may cap a page below what was requested, but it caps all alike. So a page that is shorter than another one
    is not capped, and ends its register. One as long as the longest may be capped: it is never the end, so the register
    is asked once more after its last row. `longest`: rows of the longest page.
    """

    def __init__(self) -> None:
        self.longest = 0

    def note(self, rows: int) -> None:
        """Notes a page with this number of rows."""
        self.longest = max(self.longest, rows)

    def is_last(self, rows: int, asked: int) -> bool | None:
        """Whether a page is the last one of its register; None until a longer page is seen."""
        if rows == 0 or rows < self.longest:
            return True
        return False if rows >= asked else None
