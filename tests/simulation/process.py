"""A process among others in this thread of control: a life whose loop takes one step at a time."""

import asyncio
import contextvars
import math
import select
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from io import FileIO
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import waiting

from pyrus_etl.sandbox import World
from tests.simulation.fiber import Fiber
from tests.simulation.life import Crash, Handler, Life, current, unheard
from tests.simulation.loop import another_loop

if TYPE_CHECKING:
    from tests.simulation.computer import Computer

T = TypeVar("T")
Job = tuple["Future[Any]", Callable[[], Any]]
A_MOMENT, LOOK_AGAIN = 0.02, 0.05
"""Seconds: of real time until it asks whether a session is blocked; of the clock until it looks again."""
REFUSED = "connection to server failed: Connection refused"


class Process(Life):
    """It can crash, freeze and lose its connections alone.

    `ahead`: seconds by which its clock shows a later time of day. `frozen_until`: until then it does nothing.
    `rests_until`: until then it has nothing to do, unless somebody else gives it some. `barred`: databases that it
    cannot reach. `is_harmed`: it or its parent was frozen, or could not reach a database. `pipes`: to other processes;
    they end with it. `writers`: to some of them. `in_hand`: the tasks that it fetched last, with their worlds.
    `exit_code`: None while it is alive.
    """

    def __init__(self, computer: "Computer", name: str, dice: Random, handle: Handler, ahead: float = 0.0) -> None:
        super().__init__(computer.clock, dice, handle)
        self.name, self.ahead = name, ahead
        self.computer = computer
        self.frozen_until = self.rests_until = 0.0
        self.barred = set[str]()
        self._is_harmed = False
        self.parent: Process | None = None
        self.pipes: list[FileIO] = []
        self.writers: list[asyncio.WriteTransport] = []
        self.in_hand = deque[tuple[World, int]](maxlen=20)
        self.exit_code: int | None = None
        self.exit_code_at_end = 0
        self.result: Any = None
        self.ends: list[Callable[[], object]] = []
        self._jobs: dict[object, deque[Job]] = {}
        self._paused: dict[object, Fiber] = {}
        self._main: asyncio.Task[Any]

    def begin(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Begins its work; `turn` goes on with it."""
        with current(self), another_loop():
            self._main = self._loop.create_task(self._whole(work))

    async def _whole(self, work: Callable[[], Awaitable[T]]) -> T:
        """The work, and after it what a process does at its end."""
        done = await self._lived(work)
        others = asyncio.all_tasks() - {self._main}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        return done

    def turn(self) -> None:
        """Takes one step of its loop; a doomed process crashes."""
        with current(self), another_loop():
            try:
                self._loop.run_forever()
            except Crash as crash:
                with unheard():
                    crash.__traceback__ = crash.__context__ = None  # frees what only the frames hold
                self._finish()
                return
            if self._main.done():
                main = self._main
                self._finish()
                self.result = main.result()

    def _finish(self) -> None:
        sessions = [one.info.backend_pid for one in self._sessions if not one.closed]
        self._cut_all()
        for fiber in self._paused.values():
            fiber.go_on()  # it crashes
            fiber.error = None  # or it holds what is freed here, until its next work
            self.computer.spare(fiber)
        self._paused.clear()
        for writer in self.writers:
            if not writer.is_closing():
                writer.abort()  # or cleanup code of the dead writes into whatever has the number of the pipe by then
        self.writers.clear()
        del self._main
        self._bury()
        for pipe in self.pipes:
            pipe.close()
        self.computer.end_sessions(sessions)
        if self.exit_code is None:
            self.exit_code = self.exit_code_at_end if self.doomed in ("ended", "exit") else -9
        for ended in self.ends:
            ended()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after some seconds. The server ends a session that freezes in a transaction."""
        self.frozen_until, self._is_harmed = self.computer.clock.now() + seconds, True
        if self.committing:
            self.computer.end_sessions([self.committing.info.backend_pid])
        self.computer.pause(self.frozen_until)

    def about_to_begin(self) -> None:
        if self.in_hand:
            super().about_to_begin()

    def harm(self) -> None:
        self._is_harmed = True

    @property
    def is_harmed(self) -> bool:
        return self._is_harmed or (self.parent is not None and self.parent.is_harmed)

    def leave(self, exit_code: int) -> None:
        """Ends at once, without any cleanup."""
        self.doomed, self.exit_code_at_end = "exit", exit_code

    def lose(self, database: str, seconds: float) -> None:
        """Its connections to a database are cut, and refused for some seconds."""
        if seconds:
            self.barred.add(database)
            self._is_harmed = True
            self.computer.clock.after(seconds, lambda: self.barred.discard(database))
        self.computer.end_sessions(
            [one.info.backend_pid for one in self._sessions if not one.closed and one.info.dbname == database]
        )

    def wait(self, session: Any, gen: Any, wait: Callable[[Any], T]) -> T:
        """While others have locked what it needs, they go on."""
        try:
            state = next(gen)
            while True:
                while not (ready := _ready_now(session.fileno(), state)):
                    if self.computer.is_blocked(session.info.backend_pid):
                        self.computer.pause(self.computer.clock.now() + LOOK_AGAIN)
                state = gen.send(ready)
        except StopIteration as end:
            found: T = end.value
            return found

    def reach(self, database: str) -> None:
        if database in self.barred:
            raise psycopg.OperationalError(REFUSED)

    def submit(self, work: Callable[[], T], queue: object = None) -> "Future[T]":
        future: Future[T] = Future()
        if not self.doomed:
            context = contextvars.copy_context()
            self._jobs.setdefault(queue or future, deque()).append((future, lambda: context.run(work)))
            self.rests_until = 0.0
        return future

    def has_events(self) -> bool:
        return self._loop.events.has_some()

    def _step(self) -> None:
        super()._step()
        self._loop.stop()  # after this step

    def _idle(self, timeout: float | None) -> None:
        if not self._work():
            ends = [fiber.wakes for fiber in self._paused.values()]
            self.rests_until = min([math.inf if timeout is None else self._clock.now() + timeout, *ends])

    def _has_work(self) -> bool:
        return bool(self._ready())

    def _ready(self) -> list[object]:
        """The queues in which there is something to do."""
        now = self._clock.now()
        awake = [queue for queue, fiber in self._paused.items() if fiber.wakes <= now]
        return awake + [queue for queue in self._jobs if queue not in self._paused]

    def _work(self) -> bool:
        ready = self._ready()
        if not ready:
            return False
        queue = self._dice.choice(ready)
        fiber = self._paused.pop(queue, None)
        self._clock.show()
        if fiber is None:
            fiber, job = self.computer.fiber(), self._next(queue)
            is_done = self.computer.in_fiber(fiber, lambda: fiber.begin(lambda: _fulfil(*job)))
        else:
            is_done = self.computer.in_fiber(fiber, fiber.go_on)
        if not is_done:
            self._paused[queue] = fiber
            return True
        self.computer.spare(fiber)
        if fiber.error:
            raise fiber.error
        return True

    def _next(self, queue: object) -> Job:
        jobs = self._jobs[queue]
        job = jobs.popleft()
        if not jobs:
            del self._jobs[queue]
        return job

    def _forget_work(self) -> None:
        self._jobs.clear()


def _ready_now(fileno: int, state: waiting.Wait) -> waiting.Ready:
    """What a socket is ready for, after a moment."""
    readable, writable, _ = select.select(
        [fileno] if state & waiting.Wait.R else [], [fileno] if state & waiting.Wait.W else [], [], A_MOMENT
    )
    return waiting.Ready((waiting.Ready.R if readable else 0) | (waiting.Ready.W if writable else 0))


def _fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except Crash:
        raise
    except BaseException as error:
        future.set_exception(error)
