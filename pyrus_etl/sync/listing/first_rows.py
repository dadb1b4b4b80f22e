"""First rows: what registers and lists give of tasks, so that every task is stored before any body is fetched."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from pyrus_etl.errors import RowsRefused
from pyrus_etl.extract.pages import Feed, FirstRows, Reached
from pyrus_etl.given import UNSET
from pyrus_etl.load.progress import feeds
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.task import Task
from pyrus_etl.model.window import Window
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.plan import Run

log = logging.getLogger(__name__)

AT_A_TIME, FEEDS_AT_A_TIME = 1000, 100


async def read_first_rows(run: Run, period: Window) -> None:
    """Stores the first rows of tasks that changed in the period; continues where an earlier run ended."""
    session, writer = run.session, _Writer(run)
    begun = await session.store.query(feeds.reached, session.account_id)
    question = FirstRows(period, {Feed(*key): task_id for key, task_id in begun.items()})
    try:
        async for page in session.source.pages(TASKS, question):
            run.ledger.feeds.note(page)
            for part in _parts(_of_known_forms(page.items, run), run):
                await writer.add(part)
            if page.reached:
                await writer.add([], page.reached)
    finally:
        await writer.end()


def _of_known_forms(tasks: Iterable[Task], run: Run) -> Iterable[Task]:
    """A list does not say which form a task is in; if some forms are left out, the body has to say it."""
    if run.forms.is_everything:
        return tasks
    return (task for task in tasks if task.form_id is not UNSET)


def _parts(tasks: Iterable[Task], run: Run) -> Iterator[list[TaskLoad]]:
    left = iter(tasks)
    while part := [_load(task, run) for task in islice(left, AT_A_TIME)]:
        yield part


def _load(task: Task, run: Run) -> TaskLoad:
    rows = task_rows(task, run.form_overrides)
    return TaskLoad(task.id, rows, task.last_change, listed_note_id=task.last_note_id)


class _Gathered(NamedTuple):
    """Tasks for one transaction, and how far each feed has come when they are stored."""

    tasks: list[TaskLoad]
    reached: dict[Feed, int | None]

    def has_room_for(self, more: list[TaskLoad]) -> bool:
        if len(self.tasks) + len(more) > AT_A_TIME or len(self.reached) >= FEEDS_AT_A_TIME:
            return False
        return {task.task_id for task in self.tasks}.isdisjoint(task.task_id for task in more)


class _Writer:
    """Gathers small parts, and writes them while the next ones are read and made into rows."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._gathered = _Gathered([], {})
        self._writing: asyncio.Task[None] | None = None

    async def add(self, tasks: list[TaskLoad], reached: Reached | None = None) -> None:
        """A task that two feeds show is in two writes, because the second one completes what the first one gives."""
        self._run.stop.check()
        if not self._gathered.has_room_for(tasks):
            await self._begin()
        self._gathered.tasks.extend(tasks)
        if reached:
            self._gathered.reached[reached.feed] = reached.task_id
        if len(self._gathered.tasks) >= AT_A_TIME:
            await self._begin()

    async def end(self) -> None:
        """Writes the rest; raises the error of a write."""
        await self._begin()
        await self._written()

    async def _begin(self) -> None:
        gathered, self._gathered = self._gathered, _Gathered([], {})
        await self._written()
        if any(gathered):
            self._writing = asyncio.create_task(self._write(*gathered))
            await asyncio.sleep(0)  # so that it begins now, not when the next part is ready

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing:
            await writing

    async def _write(self, tasks: list[TaskLoad], reached: Mapping[Feed, int | None]) -> None:
        session = self._run.session
        try:
            await session.store.transaction(_write, session.account_id, tasks, reached)
        except RowsRefused as error:
            await self._write_halves(tasks, error)
            await self._write([], reached)
            return
        self._run.ledger.count(Counts(tasks_listed=len(tasks)))
        self._run.ledger.progress.first_rows += len(tasks)

    async def _write_halves(self, tasks: list[TaskLoad], error: RowsRefused) -> None:
        """Finds the task whose rows PostgreSQL refuses, and leaves it to its body."""
        if not tasks:
            raise error
        if len(tasks) == 1:
            log.warning("task %d has no first row, because PostgreSQL refuses it: %s", tasks[0].task_id, error)
            return
        middle = len(tasks) // 2
        await self._write(tasks[:middle], {})
        await self._write(tasks[middle:], {})


def _write(connection: Connection, account_id: int, tasks: list[TaskLoad], reached: Mapping[Feed, int | None]) -> None:
    feeds.load_first_rows(connection, account_id, tasks)
    feeds.note_reached(connection, account_id, reached.items())
