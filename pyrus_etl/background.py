"""Work in threads that nobody waits for when the program ends.

The threads of the standard library's pools are waited for. What cannot be interrupted, such as the look-up of a name at
a name server that does not answer, would keep the program for as long as it takes.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """A thread that does one piece of work after the other, until it is closed."""

    def __init__(self, name: str) -> None:
        self._left: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """What `work` will have returned or raised."""
        future: Future[T] = Future()
        self._left.put(lambda: _fulfil(future, work))
        return future

    def close(self) -> None:
        """Lets the thread end after what was submitted."""
        self._left.put(None)

    def _work(self) -> None:
        while (next_one := self._left.get()) is not None:
            next_one()
            del next_one  # it holds what it was given, perhaps a whole batch, until the next comes


def in_background(work: Callable[[], T], name: str) -> "Future[T]":
    """What `work` will have returned or raised, in a thread of its own."""
    background = Background(name)
    future = background.submit(work)
    background.close()
    return future


def _fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
