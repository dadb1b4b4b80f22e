"""The way of writes to Pyrus: how many of a process are on it, and faults of the process at its nth write."""

import asyncio
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, cast
from unittest.mock import patch

from aiohttp import web

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.sandbox.limits.faults import names
from pyrus_etl.sandbox.limits.late import CarryOut, LateRequests
from pyrus_etl.sandbox.server.server import Server
from pyrus_etl.sync.outbox import pushing
from tests.simulation.computer import Computer
from tests.simulation.faults import Fault, Where
from tests.simulation.loop import another_loop
from tests.simulation.passing import BEGINNING
from tests.simulation.process import Process

BRIEF = 10.0
"""Seconds for which a process may freeze while a write is on its way: no other one takes it over before that."""

HARMS = {"kill": 5, "freeze": 7, "lose": 3, "stop": 1}
"""As in `several`."""
SHARE_HARMED = 0.6
PLACES = {"step": 900, "commit": 60, "answer": 60, "sending": 12, "write": 12}
"""Where a fault may happen, and the greatest number of a step, commit … at which it does. `sending`: when a row is
committed as about to be sent. `write`: when the server has applied a write, and its answer is not heard yet."""
FREEZES = (4.0, 12.0, 40.0, 40.0, 90.0)
LOSSES = (0.0, 1.0, 5.0, 40.0)


Happenings = dict[Process, dict[int, list[Callable[[], object]]]]


class Post:
    """Answers in place of the sandbox's server.

    `at_write`, `at_sending`: what happens as the nth write of a process is applied, or is about to be sent.

    A process may freeze for long before it looks at its lease for the last time, or after its write has arrived. In
    between, it could write twice: docs/write-back.md says so. Such a freeze begins when the writes have arrived.
    """

    def __init__(self, sandbox: Sandbox, computer: Computer) -> None:
        self.requests = 0
        self.at_write: Happenings = defaultdict(lambda: defaultdict(list))
        self.at_sending: Happenings = defaultdict(lambda: defaultdict(list))
        self._sandbox, self._computer = sandbox, computer
        self._server = Server(sandbox.backend)
        self._begun, self._written, self._under_way = Counter[Process](), Counter[Process](), Counter[Process]()
        self._will_freeze: dict[Process, float] = {}
        sandbox.backend.injector.late = _LateByClock(computer)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """For the block, it knows which writes are on their way."""
        guard, begin = pushing._Pushing._guard, pushing._Pushing._begin

        def watched(one: Any) -> None:
            guard(one)
            self._leaves(self._computer.at_work)

        async def begun(one: Any) -> bool:
            found = await begin(one)
            self._happens(self.at_sending, self._begun)
            await asyncio.sleep(0)  # a process freezes when it has taken its step
            return found

        with (
            patch.object(pushing._Pushing, "_guard", watched),
            patch.object(pushing._Pushing, "_begin", begun),
        ):
            yield

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        endpoint, _ = self._sandbox.backend.api(request.path).endpoint(request.method, request.path)
        if "writes" not in names(endpoint):
            return await self._server.handle(request)
        try:
            return await self._server.handle(request)
        finally:
            self._arrives()

    def freeze(self, process: Process, seconds: float) -> None:
        if seconds > BRIEF and self._under_way[process]:
            self._will_freeze[process] = seconds
        else:
            process.freeze(seconds)

    def _leaves(self, process: Process) -> None:
        self._under_way[process] += 1
        left = process.frozen_until - self._computer.clock.now()
        if left > BRIEF:  # it takes its step to the end
            process.frozen_until = 0.0
            self._will_freeze[process] = left

    def _arrives(self) -> None:
        process = self._computer.at_work
        self._under_way[process] -= 1
        self._happens(self.at_write, self._written)
        if not self._under_way[process] and process in self._will_freeze:
            process.freeze(self._will_freeze.pop(process))

    def _happens(self, place: Happenings, counted: "Counter[Process]") -> None:
        process = self._computer.at_work
        counted[process] += 1
        for happens in place[process].pop(counted[process], ()):
            happens()


class _LateByClock(LateRequests):
    """They are carried out at their time, whatever has become of the process whose request it was."""

    def __init__(self, computer: Computer) -> None:
        super().__init__()
        self._clock = computer.clock

    def add(self, carry_out: CarryOut, seconds: float) -> None:
        self._clock.after(seconds, lambda: _carried_out(carry_out))


class Harms:
    """Puts faults in place.

    `log` gets a line for each that happens. `rival`: starts the same program once more beside a process that froze.
    """

    def __init__(
        self,
        dice: Random,
        post: Post,
        database: str,
        log: Callable[[str], object],
        rival: Callable[[Process], object],
    ) -> None:
        self.counted = Counter[str]()
        self._rival = rival
        self._dice, self._post, self._database, self._log = dice, post, database, log

    def put(self, process: Process) -> None:
        """Perhaps a fault or two of a process, which may be behind its end."""
        if self._dice.random() >= SHARE_HARMED:
            return
        for _ in range(self._dice.choice((1, 1, 2))):
            kind = self._dice.choices(list(HARMS), list(HARMS.values()))[0]
            where = self._dice.choices(list(PLACES), (2, 1, 1, 4, 2))[0]
            at = self._dice.randint(1, self._dice.choice((3, PLACES[where] // 4, PLACES[where])))
            happens = self._happens(process, kind, f"{where} {at}")
            if where in ("sending", "write"):
                place = self._post.at_write if where == "write" else self._post.at_sending
                place[process][at].append(happens)
            else:
                process.put(Fault(kind, at, cast(Where, where)), happens)

    def _happens(self, process: Process, kind: str, place: str) -> Callable[[], None]:
        seconds = self._dice.choice(FREEZES if kind == "freeze" else LOSSES)

        def happens() -> None:
            now = process.computer.clock.now() - BEGINNING
            self._log(f"  {now:.1f} {process.name}: {kind} at {place}, {seconds:g} s")
            self.counted[kind] += 1
            match kind:
                case "kill":
                    process.kill()
                case "stop":
                    process.signal(signal.SIGTERM)
                case "freeze":
                    self._post.freeze(process, seconds)
                    if seconds > BRIEF:
                        self._rival(process)
                case "lose":
                    process.lose(self._database, seconds)

        return happens


def _carried_out(carry_out: CarryOut) -> None:
    async def alone() -> None:
        await asyncio.gather(carry_out(), return_exceptions=True)

    with another_loop():
        asyncio.run(alone())
