"""A cache of values computed from tasks, each valid until its task changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from pyrus_etl.sandbox.tasks.bodies import Event

T = TypeVar("T")


class Cache(Generic[T]):
    """One value per task, for at most `most` tasks."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._cached: dict[int, tuple[tuple[Event, ...], T]] = {}

    def of(self, ordinal: int, events: tuple[Event, ...], make: Callable[[], T]) -> T:
        """The cached value, if it was computed from the same events; otherwise a new one."""
        cached = self._cached.get(ordinal)
        if cached is not None and cached[0] is events:
            return cached[1]
        value = make()
        if len(self._cached) < self._most:
            self._cached[ordinal] = events, value
        return value
