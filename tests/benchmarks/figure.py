"""A measured figure."""

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Figure(NamedTuple):
    """A measure; `reached` is None if it has no goal."""

    measure: str
    value: float
    unit: str
    goal: str = ""
    reached: bool | None = None


Measure = Callable[[], Iterator[Figure]]
