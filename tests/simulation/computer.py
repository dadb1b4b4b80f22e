"""Several processes that work in turn, as the seed decides, on the clock of a history."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

from pyrus_etl.sandbox import World
from pyrus_etl.sandbox.organisation.clock import moment
from tests.simulation.administrator import Administrator
from tests.simulation.fiber import Fiber
from tests.simulation.life import Handler, at_work_now, collecting_by_hand, living
from tests.simulation.passing import Time
from tests.simulation.process import Process
from tests.simulation.queueing import queueing
from tests.simulation.spawning import spawned

T = TypeVar("T")


class SharedTime(Time):
    """A clock for several processes: if one waits in the middle of its work on a database, the others go on."""

    def __init__(self) -> None:
        super().__init__()
        self.fiber: Fiber | None = None

    def wait(self, seconds: float) -> None:
        if self.fiber is None:
            super().wait(seconds)
            return
        self.fiber.pause(self.now() + max(0.0, seconds))
        at_work_now().check_alive()
        self.show()


class Computer:
    """All processes of a history, on however many machines. `worlds`: their clocks go with ours.

    `administrators`: of the databases, by name; each shows our clock. `on_start` is called with every new process.
    """

    def __init__(self, seed: int, worlds: Sequence[World], administrators: dict[str, Administrator]) -> None:
        self.clock = SharedTime()
        self.processes: list[Process] = []
        self.started = 0
        self.on_start: Callable[[Process], object] = lambda _: None
        self._owed = 0.0
        self.counted = {"steps": 0, "crashes": 0, "freezes": 0}
        self._worlds, self.administrators = worlds, administrators
        self._dice = Random(seed)
        self._spare: list[Fiber] = []
        self.clock.show = self._show

    @contextmanager
    def on(self, seed: int) -> Iterator[None]:
        """For the block, its processes can work."""
        with ExitStack() as opened:
            opened.enter_context(collecting_by_hand())
            opened.callback(self._close)
            opened.enter_context(living(self.clock, self._today, seed))
            opened.enter_context(queueing(self.clock))
            opened.enter_context(patch.object(asyncio, "create_subprocess_exec", partial(spawned, self)))
            yield

    def start(self, name: str, work: Callable[[], Awaitable[Any]], handle: Handler, ahead: float = 0.0) -> Process:
        """Starts a process; its work goes on in `play`."""
        process = self._made(name, handle, ahead)
        process.begin(work)
        return process

    def start_beside(self, parent: Process, work: Callable[[Process], Awaitable[Any]]) -> Process:
        """The same on the machine of another process. `work` gets the new one."""
        process = self._made(f"{parent.name}'s {self.started}", parent.handle, parent.ahead)
        process.barred, process.parent = parent.barred, parent
        process.begin(lambda: work(process))
        return process

    def _made(self, name: str, handle: Handler, ahead: float) -> Process:
        process = Process(self, name, Random(self._dice.random()), handle, ahead)
        self.processes.append(process)
        self.started += 1
        self.on_start(process)
        return process

    @property
    def at_work(self) -> Process:
        """The process whose turn it is."""
        process = at_work_now()
        assert isinstance(process, Process)
        return process

    def play(self, until: Callable[[], bool]) -> None:
        """Lets all processes work until something has come about."""
        while not until():
            process = self._next()
            if process is None:
                self._pass_time()
            else:
                process.turn()
                if process.exit_code is not None:
                    self.processes.remove(process)
                    self.counted["steps"] += process.steps
                    self.counted["crashes"] += process.exit_code == -9

    def _next(self) -> Process | None:
        now = self.clock.now()
        if doomed := next((each for each in self.processes if each.doomed), None):
            return doomed
        unfrozen = [each for each in self.processes if each.frozen_until <= now]
        awake = [each for each in unfrozen if each.rests_until <= now] or [
            each for each in unfrozen if each.has_events()
        ]
        return self._dice.choice(awake) if awake else None

    def _pass_time(self) -> None:
        now = self.clock.now()
        ends = [max(each.frozen_until, each.rests_until) for each in self.processes]
        end = min([*ends, self.clock.next_time()])
        if math.isinf(end):
            raise RuntimeError(f"all wait for something that will never happen: {self.names()}")
        self.clock.sleep(end - now)
        self._owed += end - now
        for world in self._worlds:
            world.advance(int(self._owed * 1000) / 1000)
        self._owed %= 0.001

    def names(self) -> list[str]:
        return [each.name for each in self.processes]

    def pause(self, until: float) -> None:
        """If this is called in the middle of work on a database, that pauses."""
        if self.clock.fiber:
            self.clock.fiber.pause(until)
            at_work_now().check_alive()

    def in_fiber(self, fiber: Fiber, work: Callable[[], T]) -> T:
        self.clock.fiber = fiber
        try:
            return work()
        finally:
            self.clock.fiber = None

    def fiber(self) -> Fiber:
        return self._spare.pop() if self._spare else Fiber()

    def spare(self, fiber: Fiber) -> None:
        """The fiber has come to the end of its work."""
        self._spare.append(fiber)

    def end_sessions(self, backends: Iterable[int]) -> None:
        """The server ends sessions; returns when it has."""
        administrator = next(iter(self.administrators.values()))
        for backend in backends:
            administrator.end(backend)

    def is_blocked(self, backend: int) -> bool:
        """Whether a session waits for what another one has locked."""
        administrator = next(iter(self.administrators.values()))
        return bool(administrator.database.execute("SELECT unnest(pg_blocking_pids(%s))", [backend]))

    def _show(self) -> None:
        for administrator in self.administrators.values():
            administrator.show_time(self.clock)

    def _today(self) -> datetime:
        ahead = getattr(at_work_now(), "ahead", 0.0)
        return moment(self._worlds[0].clock.now()) + timedelta(seconds=ahead)

    def _close(self) -> None:
        for process in [each for each in self.processes if each.exit_code is None]:  # one may have raised at its end
            process.kill()
            process.turn()
        for fiber in self._spare:
            fiber.close()
