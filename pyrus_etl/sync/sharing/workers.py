"""The worker processes of a run (`--workers N`): each fetches and commits the parts that the run gives it.

The run lists, compares, claims and keeps the progress. A part is claimed before it is given away, and each commit ends
its claims; so what a killed worker has not committed is what is still claimed, and another worker gets that.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

from pyrus_etl.client.client import Client
from pyrus_etl.errors import PyrusEtlError, SettingsError
from pyrus_etl.load.sharing.claims import still_claimed
from pyrus_etl.load.tasks.rejected import open_rejections
from pyrus_etl.schema.counts import Counts
from pyrus_etl.settings import Settings
from pyrus_etl.sync.session import Session
from pyrus_etl.sync.sharing.parts import LENGTH, Committed, Failed, Given, Logged, Part, Stop, packed, unpacked
from pyrus_etl.sync.tasks.task import Arrival, Outcome, Wanted

log = logging.getLogger(__name__)

AT_ONCE = 250
"""Tasks of a part."""
PARTS_EACH = 2
"""Parts that a worker has at once: it fetches one while it commits the other."""
MOST_DEATHS = 5
"""Deaths of workers in a row, without a commit in between, that end the run: a task may take all memory."""


class Arrived(NamedTuple):
    """A part that has come to its end, and what was counted since the last one."""

    arrivals: list[Arrival]
    counts: Counts


@dataclass(eq=False)
class _Given:
    """A part that a worker has: the tasks that it has not reported yet, and those that it has."""

    waiting: dict[int, Wanted]
    arrivals: list[Arrival] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class _Worker:
    """A process; `parts`: what it has to do. `is_over`: it has ended; `error`: why, if it said so."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.parts: list[_Given] = []
        self.is_over = False
        self.error: PyrusEtlError | None = None
        self.reading: asyncio.Task[None] | None = None

    def send(self, message: object) -> None:
        if self.process.stdin and not self.process.stdin.is_closing():
            self.process.stdin.write(packed(message))

    async def message(self) -> Any:
        """The next message; None if the process has ended."""
        assert self.process.stdout
        try:
            (length,) = LENGTH.unpack(await self.process.stdout.readexactly(LENGTH.size))
            return unpacked(await self.process.stdout.readexactly(length))
        except asyncio.IncompleteReadError:
            return None


class Workers:
    """Open it with `async with`; the processes are started when there is work for them, and end with the block."""

    def __init__(self, number: int, settings: Settings, client: Client) -> None:
        self.number = number
        self._settings, self._client = settings, client
        self._workers: list[_Worker] = []
        self._starting = asyncio.Lock()
        self._counts = Counts()
        self._deaths = 0
        self._is_stopping = False
        self._late: list[Arrival] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def fetched(self, wanted: Sequence[Wanted], rejected: frozenset[int], session: Session) -> Arrived:
        """Has the tasks, which the run has claimed, fetched and committed.

        If it is cancelled, what has been fetched by then is committed; see `late`.
        """
        if self._is_stopping:
            raise asyncio.CancelledError
        left = {each.task_id: each for each in wanted}
        arrivals: list[Arrival] = []
        while left and not self._is_stopping:
            worker, given = await self._given(left, rejected, session)
            try:
                await given.ended.wait()
            except asyncio.CancelledError:
                await self.stop()
                self._late += arrivals + given.arrivals
                raise
            arrivals += given.arrivals
            left = given.waiting
            if left and not self._is_stopping:
                left, committed = await self._after_death(worker, left, session)
                arrivals += committed
        return Arrived(arrivals, self._counted())

    def late(self) -> Arrived:
        """What was committed although nobody waited for it any more."""
        arrivals, self._late = self._late, []
        return Arrived(arrivals, self._counted())

    async def stop(self) -> None:
        """Lets all workers commit what they have fetched, and end."""
        self._is_stopping = True
        for worker in self._workers:
            worker.send(Stop())
        for worker in self._workers:
            if worker.reading:
                await asyncio.shield(worker.reading)

    def _counted(self) -> Counts:
        """What the workers have counted since the last call."""
        counts, self._counts = self._counts, Counts()
        return counts

    async def _given(
        self, tasks: dict[int, Wanted], rejected: frozenset[int], session: Session
    ) -> tuple[_Worker, _Given]:
        """Gives tasks to the worker that has least to do."""
        async with self._starting:
            self._workers = [each for each in self._workers if not each.is_over]
            idle = [each for each in self._workers if len(each.parts) < PARTS_EACH]
            if (len(idle) == 0 or all(each.parts for each in idle)) and len(self._workers) < self.number:
                idle = [await self._started(session)]
            worker = min(idle or self._workers, key=lambda each: len(each.parts))
        given = _Given(dict(tasks))
        worker.parts.append(given)
        worker.send(Part([each._replace(window_no=None) for each in tasks.values()], rejected & tasks.keys()))
        return worker, given

    async def _started(self, session: Session) -> _Worker:
        pipe = asyncio.subprocess.PIPE
        command = sys.executable, "-m", "pyrus_etl.sync.sharing.worker_process"
        worker = _Worker(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        level = logging.getLogger().getEffectiveLevel()
        worker.send(Given(self._settings, session.run_id, session.account_id, self._client.logged_in, level))
        worker.reading = asyncio.create_task(self._read(worker))
        self._workers.append(worker)
        return worker

    async def _read(self, worker: _Worker) -> None:
        """Notes what a worker says, until it has ended."""
        while (message := await worker.message()) is not None:
            match message:
                case Committed():
                    self._deaths = 0
                    self._counts += message.counts
                    _note(worker, message)
                case Failed():
                    worker.error = message.error
                case Logged():
                    logging.getLogger(message.name).log(message.level, "%s", message.message)
        await worker.process.wait()
        worker.is_over = True
        for part in worker.parts:
            part.ended.set()

    async def _after_death(
        self, worker: _Worker, left: dict[int, Wanted], session: Session
    ) -> tuple[dict[int, Wanted], list[Arrival]]:
        """The tasks that a dead worker has not committed, and those that it has."""
        if worker.error:
            raise worker.error
        self._deaths += 1
        if self._deaths > MOST_DEATHS:
            raise SettingsError("The worker processes keep ending, perhaps for lack of memory; leave out --workers.")
        store = session.store
        claimed = await store.transaction(still_claimed, session.run_id, list(left))
        failed = await store.query(open_rejections, session.account_id)
        log.warning(
            "worker process %d ended with %s; another fetches its %d tasks",
            worker.process.pid,
            worker.process.returncode,
            len(claimed),
        )
        committed = [
            Arrival(each.window_no, done=(task_id, Outcome.REJECTED if task_id in failed else Outcome.LOADED))
            for task_id, each in left.items()
            if task_id not in claimed
        ]
        self._counts += Counts(tasks_fetched=len(committed), tasks_changed=len(committed))
        return {task_id: left[task_id] for task_id in claimed}, committed


def _note(worker: _Worker, committed: Committed) -> None:
    """Notes what has become of tasks of its parts."""
    for task_id, outcome, date in committed.outcomes:
        part = next(part for part in worker.parts if task_id in part.waiting)
        wanted = part.waiting.pop(task_id)
        part.arrivals.append(Arrival(wanted.window_no, done=(task_id, outcome), read=(wanted, date)))
        if not part.waiting:
            worker.parts.remove(part)
            part.ended.set()
