"""Ordinals: places in the arrays of the API, from 1."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def numbered(elements: Sequence[T | None] | None) -> Iterator[tuple[int, T]]:
    """The elements that are not null, each with its place in the array; a null element keeps its number."""
    if not elements:
        return iter(())
    return ((number, element) for number, element in enumerate(elements, start=1) if element is not None)
