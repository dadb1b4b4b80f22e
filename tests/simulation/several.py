"""Faults of the processes of a history: each new one may get some, at any step of its loop or commit."""

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from random import Random

from pyrus_etl.sandbox import World
from tests.simulation.faults import Fault, Where
from tests.simulation.passing import BEGINNING
from tests.simulation.process import Process

KINDS = {"kill": 6, "freeze": 6, "lose": 4, "stop": 2, "overtake": 6}
"""kill, stop: SIGKILL and SIGTERM. freeze: SIGSTOP, and SIGCONT later. lose: its connections to one database are cut,
and perhaps refused for a while. overtake: it freezes with tasks in its hand, which change; if it is a worker, its run
is killed; another run takes over, and then it wakes."""

FREEZES = (1.0, 4.0, 12.0, 30.0)
MOST: dict[Where, Sequence[int]] = {"begin": (2, 6)}
"""Transactions after the first fetched task within which a fault happens."""
OVERTAKEN = 30.0
"""Seconds: longer than a lease lasts, and than another run needs."""
LOSSES = (0.0, 0.0, 1.0, 5.0, 30.0)
AHEAD = (0.0, 0.0, 0.0, 300.0, -300.0)
"""Seconds by which the clock of a machine is ahead."""
WHERE: tuple[Where, ...] = ("step", "step", "commit", "answer")


class Harm:
    """Puts faults in place.

    `databases`: by name; `log`: gets a line for each fault. `share`: of the processes. `steps`: within which a fault
    happens. `on_overtaken`: has to start another run in place of a process.
    """

    def __init__(
        self,
        dice: Random,
        databases: Sequence[str],
        log: Callable[[str], object],
        share: float = 0.5,
        steps: Sequence[int] = (30, 100, 400),
    ) -> None:
        self.is_over = False
        self.on_overtaken: Callable[[Process], object] = lambda _: None
        self.counted = Counter[str]()
        self._dice, self._databases, self._log, self._share, self._steps = dice, databases, log, share, steps

    def put(self, process: Process) -> None:
        if self.is_over or self._dice.random() >= self._share:
            return
        for _ in range(self._dice.choice((1, 1, 2))):
            kind = self._dice.choices(list(KINDS), list(KINDS.values()))[0]
            where: Where = "begin" if kind == "overtake" else self._dice.choice(WHERE)
            most = self._dice.choice(self._steps if where == "step" else MOST.get(where, (3, 12)))
            fault = Fault(kind, self._dice.randint(1, most), where)
            process.put(fault, self._happens(process, fault))

    def _happens(self, process: Process, fault: Fault) -> Callable[[], None]:
        seconds = self._dice.choice(FREEZES if fault.kind == "freeze" else LOSSES)
        database = self._dice.choice(self._databases)

        def happens() -> None:
            if self.is_over:
                return
            now = process.computer.clock.now() - BEGINNING
            self._log(
                f"  {now:.1f} {process.name}: {fault} {f'{seconds:g} s' if fault.kind in ('freeze', 'lose') else ''}"
            )
            self.counted[fault.kind] += 1
            match fault.kind:
                case "kill":
                    process.kill()
                case "stop":
                    process.signal(signal.SIGTERM)
                case "freeze":
                    process.freeze(seconds)
                case "lose":
                    process.lose(database, seconds)
                case "overtake":
                    _change(process.in_hand)
                    if process.parent:
                        process.parent.kill()
                    process.computer.clock.after(1.0, lambda: self.on_overtaken(process))
                    process.freeze(OVERTAKEN)

        return happens


def _change(tasks: Iterable[tuple[World, int]]) -> None:
    """Changes what a process has in hand, so that the run that takes over stores something newer."""
    for world, task_id in dict.fromkeys(tasks):
        with suppress(KeyError):  # it is deleted
            world.edit(task_id)
