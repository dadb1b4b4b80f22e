"""A world behind a replica that lags: now and then its server answers with the body that a task had before."""

import threading
from typing import Any

import msgspec

from pyrus_etl.sandbox import World


class LaggingWorld(World):
    """`lag` makes the next answer for a task an old one, if the lists can show that it is old by then."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self._old: dict[int, bytes] = {}
        self._answer = threading.local()
        super().__init__(*given, **more)

    def lag(self, task_id: int, body: bytes) -> None:
        self._old[self.ordinal(task_id)] = body

    def catch_up(self) -> None:
        """No answer is old from now on."""
        self._old.clear()

    def about_to_serve(self, task_id: int) -> bool:
        """Whether the body that this thread asks for next is an old one."""
        ordinal = self.ordinal(task_id)
        body = self._old.pop(ordinal, None)
        date = modified(body) if body else None
        self._answer.body = body if date is not None and date < self.register.modified[ordinal] else None
        return self._answer.body is not None

    def body_of(self, ordinal: int) -> bytes:
        if body := getattr(self._answer, "body", None):
            self._answer.body = None
            return bytes(body)
        return super().body_of(ordinal)


def modified(body: bytes) -> int | None:
    """The ModifiedDate in a body, in milliseconds since 1970; None if it cannot be read."""
    try:
        told = msgspec.json.decode(body)["TaskWithNotes"]["ModifiedDate"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return int(told[6:-2])
