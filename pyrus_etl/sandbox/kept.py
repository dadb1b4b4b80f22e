"""What was made of tasks, kept as long as nothing happens to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .bodies import Event

T = TypeVar("T")


class Kept(Generic[T]):
    """Something of each task, of at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[int, tuple[tuple[Event, ...], T]] = {}

    def of(self, ordinal: int, events: tuple[Event, ...], make: Callable[[], T]) -> T:
        """What was made of the task when these very events had happened to it, or is made now."""
        kept = self._kept.get(ordinal)
        if kept is not None and kept[0] is events:
            return kept[1]
        made = make()
        if len(self._kept) < self._most:
            self._kept[ordinal] = events, made
        return made
