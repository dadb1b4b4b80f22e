"""A world behind a lagging replica: sometimes its server answers with an earlier body of a task."""

import threading
from typing import Any

import msgspec

from pyrus_etl.sandbox import World
from pyrus_etl.sandbox.organisation.people import ACCOUNT


class LaggingWorld(World):
    """`lag` makes the next answer for a task an old one, if the date in the lists shows that it is old."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self._old: dict[int, bytes] = {}
        self._answer = threading.local()
        super().__init__(*given, **more)

    def lag(self, task_id: int, body: bytes) -> None:
        self._old[self.ordinal(task_id)] = body

    def catch_up(self) -> None:
        """From now on, no answer is old."""
        self._old.clear()

    def about_to_serve(self, task_id: int) -> bool:
        """Whether the next body that this thread reads is an old one."""
        ordinal = self.ordinal(task_id)
        body = self._old.pop(ordinal, None)
        date = modified(body) if body else None
        self._answer.body = body if date is not None and date < self.register.modified[ordinal] else None
        return self._answer.body is not None

    def body_of(self, ordinal: int, viewer: int = ACCOUNT.id) -> bytes:
        if body := getattr(self._answer, "body", None):
            self._answer.body = None
            return bytes(body)
        return super().body_of(ordinal, viewer)


def modified(body: bytes) -> int | None:
    """The ModifiedDate in a body, in milliseconds since 1970; None if it cannot be read."""
    try:
        date = msgspec.json.decode(body)["TaskWithNotes"]["ModifiedDate"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return int(date[6:-2])
