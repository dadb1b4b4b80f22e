"""Work in a thread of its own, which goes on only while its process waits for it."""

import threading
from collections.abc import Callable

Work = Callable[[], object]


class Fiber:
    """Either the fiber or the caller of `go_on` is at work, never both, so their order is definite.

    `wakes`: until when it pauses. `error`: what ended its last work, unless its caller has it.
    """

    def __init__(self) -> None:
        self.wakes = 0.0
        self.error: BaseException | None = None
        self._work: Work | None = None
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._live, daemon=True).start()

    def begin(self, work: Work) -> bool:
        """Begins a piece of work; returns whether it has come to its end."""
        self._work, self.error = work, None
        return self.go_on()

    def go_on(self) -> bool:
        """Goes on after a pause; returns whether the work has come to its end."""
        self._go.release()
        self._back.acquire()
        return self._work is None

    def pause(self, until: float) -> None:
        """Called in the fiber: returns when it goes on."""
        self.wakes = until
        self._back.release()
        self._go.acquire()

    def close(self) -> None:
        """Ends the thread, between two pieces of work."""
        self._work = None
        self._go.release()

    def _live(self) -> None:
        while True:
            self._go.acquire()
            if self._work is None:
                return
            try:
                self._work()
            except BaseException as error:
                self.error = error
            self._work = None
            self._back.release()
