"""An event loop that is also the network and the clock: everything between two of its steps has a definite order."""

import asyncio
import selectors
import socket
from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple

from tests.simulation.passing import Time

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Server = Callable[[], asyncio.Protocol]
Idle = Callable[[float | None], object]
Arrange = Callable[[list[Any]], object]


class Loop(asyncio.SelectorEventLoop):
    """A loop without waits, threads and signals.

    A client that connects gets one end of a pair of sockets; `server` answers at the other. `step` is called before
    every look for events; `idle` when there are none, with the seconds until a timer is due, None if there is none. It
    finds something to do, or puts the clock forward. `arrange` may change the order of the events.
    """

    def __init__(self, clock: Time, step: Callable[[], object], idle: Idle, arrange: Arrange) -> None:
        self.events = _Selector(step, idle, arrange)
        super().__init__(self.events)
        self._clock = clock
        self.server: Server | None = None
        self.on_signal: dict[int, Callable[[], object]] = {}

    def time(self) -> float:
        return self._clock.now()

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        self.on_signal[sig] = lambda: callback(*args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.on_signal.pop(sig, None) is not None

    def run_in_executor(self, executor: object, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Does nothing: `create_connection` makes the connection."""

    async def create_connection(self, protocol_factory: Any, *given: Any, sock: socket.socket, **more: Any) -> Any:  # type: ignore[override]
        assert self.server
        sock.close()
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        await self.connect_accepted_socket(self.server, theirs)
        return await super().create_connection(protocol_factory, *given, sock=ours, **more)


class _Selector(selectors.EpollSelector):
    def __init__(self, step: Callable[[], object], idle: Idle, arrange: Arrange) -> None:
        super().__init__()
        self._step, self._idle, self._arrange = step, idle, arrange

    def select(self, timeout: float | None = None) -> list[Any]:
        self._step()
        found = super().select(0)
        if not found and timeout != 0:
            self._idle(timeout)
            found = super().select(0)
        self._arrange(found)
        return found

    def has_some(self) -> bool:
        """Whether there are events."""
        return bool(super().select(0))


@contextmanager
def another_loop() -> Iterator[None]:
    """Allows the code of one loop to run another loop to its end."""
    outer = events._get_running_loop()
    events._set_running_loop(None)
    try:
        yield
    finally:
        events._set_running_loop(outer)
