"""A window of time, in which a stream is listed."""

from typing import NamedTuple

YEAR_1, YEAR_9999 = -62_135_596_800, 253_402_300_799


class Window(NamedTuple):
    """A period in seconds since 1970, both ends included; None means unbounded."""

    start: int | None = None
    end: int | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        return (YEAR_1 if self.start is None else self.start, YEAR_9999 if self.end is None else self.end)

    @property
    def seconds(self) -> int:
        """The distance between its ends."""
        start, end = self.bounds
        return end - start


EVERYTHING = Window()
