"""Runs as separate processes, and faults at a certain request."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import msgspec

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.sandbox.limits.journal import Journal
from tests.runs import program_environment
from tests.simulation.lag import LaggingWorld
from tests.simulation.orders import Order, Outcome

LONGEST_RUN = 60.0


class Launcher:
    """The program that forks runs, one at a time."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.launcher"],
            env=program_environment(None, None),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self.pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self.signal(signal.SIGKILL)
        with self._program:
            pass

    def start(self, order: Order) -> None:
        assert self._program.stdin
        self._program.stdin.write(msgspec.json.encode(order) + b"\n")
        self.pid = int(self._line(LONGEST_RUN) or 0)

    def ended(self, within: float) -> Outcome | None:
        """The outcome of the run; None while it is running."""
        line = self._line(within)
        if line is None:
            return None
        self.pid = 0
        return msgspec.json.decode(line, type=Outcome)

    def signal(self, number: int) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self) -> None:
        """Kills the run, if there is one."""
        if self.pid:
            self.signal(signal.SIGKILL)
            self.ended(within=LONGEST_RUN)

    def _line(self, within: float) -> bytes | None:
        stream = self._program.stdout
        assert stream
        if not select.select([stream], [], [], within)[0]:
            return None
        line: bytes = stream.readline()
        if not line:
            raise RuntimeError("the launcher has ended")
        return line


class Watch(Journal):
    """The sandbox's journal, which also makes faults happen at certain requests.

    `at_contacts`: faults at the request for the contacts, the last one of a sync.
    """

    def __init__(self, world: LaggingWorld, pace: float) -> None:
        self._world, self._pace = world, pace
        self.at: dict[int, list[Callable[[], None]]] = defaultdict(list)
        self.at_contacts: list[Callable[[], None]] = []
        self.faults_in_all: Counter[str] = Counter()
        self.requests_in_all = 0
        self.number = 0
        super().__init__(100_000)

    def clear(self) -> None:
        """Prepares for the next run."""
        if self.number:
            self.faults_in_all += self.faults
            self.requests_in_all += self.number
        self.number = 0
        self.at.clear()
        self.at_contacts.clear()
        super().clear()

    def settle(self) -> None:
        """Waits until the requests of dead processes are answered."""
        end = time.monotonic() + 5
        while self.in_flight and time.monotonic() < end:
            time.sleep(0.005)

    def started(self, endpoint: str) -> None:
        self.number += 1
        super().started(endpoint)
        late = self.at_contacts if endpoint == "contacts" else []
        for happens in (*self.at.pop(self.number, ()), *late):
            happens()
        late.clear()
        self._world.advance(self._pace)

    def served(self, task_id: int) -> None:
        super().served(task_id)
        self.faults_in_all["old"] += self._world.about_to_serve(task_id)


def put_in(watch: Watch, sandbox: Sandbox) -> None:
    """Makes the watch the sandbox's journal."""
    sandbox.backend.journal = watch
    sandbox.backend.configure(sandbox.options)


class Beside(threading.Thread):
    """Calls `looks` repeatedly until the block ends, and then raises their first error."""

    def __init__(self, *looks: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._looks = looks
        self._over = threading.Event()
        self.amiss: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._over.set()
        self.join()
        if self.amiss and kind is None:
            raise self.amiss

    def run(self) -> None:
        try:
            while not self._over.wait(0.01):
                for look in self._looks:
                    look()
        except BaseException as error:
            self.amiss = error
