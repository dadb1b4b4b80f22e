"""Runs work in daemon threads, so that it does not keep the program from ending.

At exit, Python waits for the threads of `concurrent.futures` pools
(https://docs.python.org/3/library/concurrent.futures.html#threadpoolexecutor). A call that cannot be interrupted, such
as a look-up at a name server that does not answer, would delay the end of the program until it returns.
"""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """A daemon thread that does submitted work in order until it is closed."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Queues `work`; the future gets its result or exception. It sees the context variables of the caller."""
        future: Future[T] = Future()
        context = contextvars.copy_context()
        self._queue.put(lambda: _fulfil(future, lambda: context.run(work)))
        return future

    def close(self) -> None:
        """Lets the thread end once the submitted work is done. Does not wait for it."""
        self._queue.put(None)

    def _work(self) -> None:
        while (next_one := self._queue.get()) is not None:
            next_one()
            del next_one  # frees its arguments, perhaps a whole batch, while the thread waits


def in_background(work: Callable[[], T], name: str) -> "Future[T]":
    """Runs `work` in a thread of its own; the future gets its result or exception."""
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
