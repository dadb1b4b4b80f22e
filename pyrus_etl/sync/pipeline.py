"""The road: listed tasks → bytes → model → rows → COPY, with the progress in the same transaction.

Choosing, fetching and loading run side by side. Only so many tasks are on the road at once, so that memory does not
grow with the work. They arrive in any order; a window is done when the last of its tasks is committed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from pyrus_etl.errors import BudgetSpent, PyrusEtlError, PyrusUnreachable, TaskRefused
from pyrus_etl.extract.source import Fetched
from pyrus_etl.load.batch import TaskLoad
from pyrus_etl.load.batch import unchanged as unchanged_tasks
from pyrus_etl.load.rejected import Rejected
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.normalize.raw import add_raw
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.sync.commit import Arrival, ListOnRoad, commit
from pyrus_etl.sync.doubt import is_doubtful
from pyrus_etl.sync.plans.rebuild import rebuild_some
from pyrus_etl.sync.session import Run
from pyrus_etl.sync.stages import together

MOST_WANTED = 5000
MOST_ON_THE_ROAD = 2000
MOST_ODD_IN_A_ROW = 30
HEAVIEST_ROAD = 1 << 26
LARGEST_BATCH = 1000
LARGEST_PART = 5000
FEW = 200
LINGER = 0.1
"""Seconds for which few tasks wait for others to be committed with them."""


class Listed(NamedTuple):
    """Tasks of a list, and the number of the window that is done when they are.

    `stored`: they are in no list; we ask for them because their stored bodies are doubted.
    """

    tasks: Sequence[TaskHeader]
    window_no: int | None = None
    stored: bool = False


def in_parts(tasks: Iterable[TaskHeader]) -> Iterator[Listed]:
    """A list of any length as several."""
    left = iter(tasks)
    while part := list(islice(left, LARGEST_PART)):
        yield Listed(part)


class _Wanted(NamedTuple):
    """A task to be fetched. `again`: its stored body is doubted; `listed`: a list shows it."""

    header: TaskHeader
    of: ListOnRoad
    again: bool
    listed: bool


@dataclass
class _Road:
    """The queues between the stages; None is the end of each.

    What is wanted is known well ahead, so that the next list is read while the tasks of the last one are fetched.
    `room` is what may still come onto the road, `weight` the bytes of the bodies that are on it, `lighter` set while
    these are not too many; `ended` is set when nothing more arrives.
    """

    wanted: asyncio.Queue[_Wanted | None] = field(default_factory=lambda: asyncio.Queue(MOST_WANTED))
    arrived: asyncio.Queue[Arrival | None] = field(default_factory=asyncio.Queue)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_ON_THE_ROAD))
    weight: int = 0
    lighter: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def weigh(self, more: int) -> None:
        self.weight += more
        (self.lighter.set if self.weight < HEAVIEST_ROAD else self.lighter.clear)()


async def carry(lists: AsyncIterator[Listed], run: Run) -> None:
    """Brings every listed task that changed into the tables.

    Whatever ends it, an error or a signal, what had arrived by then is committed first; safe to repeat.
    """
    road = _Road()
    road.weigh(0)
    loading = asyncio.create_task(_load_all(road, run))
    supplying = asyncio.create_task(_supply(lists, road, run))
    stopping = asyncio.create_task(run.stopping.wait())
    try:
        await asyncio.wait({loading, supplying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        supplying.cancel()
        await asyncio.wait({supplying})
        road.arrived.put_nowait(None)
        road.ended.set()
        await loading
    finally:
        for stage in (loading, supplying, stopping):
            stage.cancel()
    if not supplying.cancelled() and (error := supplying.exception()):
        raise error
    run.check_stopped()
    assert not run.pending, "every task that was chosen is committed or set aside"


async def _supply(lists: AsyncIterator[Listed], road: _Road, run: Run) -> None:
    """Chooses and fetches, several tasks at a time; lists that break off end it after what they had shown."""
    broken_off: list[PyrusEtlError] = []
    fetchers = [_fetch_each(road, run) for _ in range(run.concurrency)]
    await together(_choose_all(lists, road, run, broken_off), *fetchers)
    if error := run.spent or next(iter(broken_off), None):
        raise error


async def _choose_all(lists: AsyncIterator[Listed], road: _Road, run: Run, broken_off: list[PyrusEtlError]) -> None:
    try:
        await _choose(lists, road, run)
    except PyrusEtlError as error:
        broken_off.append(error)
    for _ in range(run.concurrency):
        await road.wanted.put(None)


async def _choose(lists: AsyncIterator[Listed], road: _Road, run: Run) -> None:
    """Picks those listed tasks that are not stored as they are listed now."""
    async for listed in lists:
        if run.spent:
            return
        chosen = await _changed(listed.tasks, run)
        of = ListOnRoad(listed.window_no, len(chosen) or 1)
        if not chosen and listed.window_no is not None:
            road.arrived.put_nowait(Arrival(of))
        for header in chosen:
            again = header.id in run.doubted
            known = run.doubted.pop(header.id, None) or run.retried.get(header.id)
            dated = header if header.modified_date else TaskHeader(header.id, known)
            await road.wanted.put(_Wanted(dated, of, again, not listed.stored))


async def again(run: Run) -> AsyncIterator[Listed]:
    """What is still to be asked for after the lists: tasks that changed on the road, and doubted ones not listed."""
    yield Listed([TaskHeader(task_id, date) for task_id, date in run.relisted.items()])
    yield Listed([TaskHeader(task_id, date) for task_id, date in run.doubted.items()], stored=True)


async def _changed(tasks: Sequence[TaskHeader], run: Run) -> list[TaskHeader]:
    """The listed tasks to fetch; not those that are on the road, or were set aside or recovered in this run."""
    listed = {task.id: task for task in tasks}
    dates = [(task.id, task.modified_date) for task in listed.values()]
    unchanged = await run.store.query(unchanged_tasks, dates) - run.doubted.keys()
    if run.has_outdated_rows:
        await rebuild_some(run.store, unchanged, run.forms)
    _note_relisted(listed, run)
    skipped = unchanged | run.pending.keys() | run.failed
    skipped |= {task.id for task in listed.values() if task.modified_date is None and task.id in run.recovered}
    chosen = [task for task in listed.values() if task.id not in skipped]
    run.pending.update({task.id: task.modified_date for task in chosen})
    run.count(tasks_listed=len(tasks), tasks_unchanged=len(unchanged))
    run.progress.tasks_wanted += len(chosen)
    return chosen


def _note_relisted(listed: Mapping[int, TaskHeader], run: Run) -> None:
    """Remembers tasks that are on the road and listed under another date than before: what arrives may be older."""
    for task_id in listed.keys() & run.pending.keys():
        date = listed[task_id].modified_date
        if date is not None and date != run.pending[task_id]:
            run.relisted[task_id] = date


async def _fetch_each(road: _Road, run: Run) -> None:
    """Fetches what is wanted; once the budget is spent, what is wanted still is left to the next run."""
    while (wanted := await road.wanted.get()) is not None:
        if run.spent:
            continue
        await road.room.acquire()
        await road.lighter.wait()
        try:
            arrival = await _fetch(wanted, run)
            road.weigh(arrival.weight)
            road.arrived.put_nowait(arrival)
        except BudgetSpent as error:
            run.spent = error
            road.room.release()


async def _fetch(wanted: _Wanted, run: Run) -> Arrival:
    """bytes → model → rows; a task that cannot be had or read becomes a reason to set it aside."""
    try:
        fetched = await run.source.task(wanted.header.id)
        run.odd_in_a_row = 0
        load = task_load(fetched, wanted.header, run.forms)._replace(asked_again=wanted.again)
        return Arrival(wanted.of, load=load, weight=len(fetched.body.payload))
    except TaskRefused as error:
        if error.denied and not wanted.listed:  # it may be gone: that is for a census to find out
            return Arrival(wanted.of, left=wanted.header.id)
        count_odd(wanted.header.id, error, run)
        return Arrival(wanted.of, failure=_failure(wanted.header, error), weight=len(error.payload or b""))


def count_odd(task_id: int, error: TaskRefused, run: Run) -> None:
    """Counts faults of the server that came one after the other; raises PyrusUnreachable when they are too many."""
    run.odd_in_a_row += error.odd and task_id not in run.retried
    if run.odd_in_a_row > MOST_ODD_IN_A_ROW:
        raise PyrusUnreachable(
            f"{run.odd_in_a_row} tasks in a row kept failing, last: {error}; try again later."
        ) from error


def task_load(fetched: Fetched, header: TaskHeader, form_overrides: Mapping[int, int | None]) -> TaskLoad:
    """A task as it was fetched, on its way into the tables."""
    rows = task_rows(fetched.task, form_overrides)
    rows.unreadable += fetched.unreadable
    listed_date = header.modified_date or fetched.task.last_change
    add_raw(rows, header.id, fetched.body, listed_date, is_doubted=is_doubtful(fetched, header.modified_date))
    return TaskLoad(header.id, rows)


def _failure(header: TaskHeader, error: TaskRefused) -> Rejected:
    payload = None if error.payload is None else error.payload.decode(errors="replace").replace("\0", "\ufffd")
    return Rejected(header.id, error.stage, str(error).replace("\0", "\ufffd"), payload, header.modified_date)


async def _load_all(road: _Road, run: Run) -> None:
    """rows → COPY, in batches, to the end of what arrives."""
    while arrivals := await _next_batch(road.arrived, road.ended):
        await commit(arrivals, run)
        road.weigh(-sum(arrival.weight for arrival in arrivals))
        for _ in (arrival for arrival in arrivals if arrival.task_id is not None):
            road.room.release()


async def _next_batch(arrived: asyncio.Queue[Arrival | None], ended: asyncio.Event) -> list[Arrival]:
    """What has arrived, where that is little also what arrives within a moment; empty at the end."""
    batch = [await arrived.get()]
    if batch[0] is not None and arrived.qsize() < min(FEW, LARGEST_BATCH):
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), LINGER)
    while batch[-1] is not None and len(batch) < LARGEST_BATCH and not arrived.empty():
        batch.append(arrived.get_nowait())
    if batch[-1] is None and len(batch) > 1:
        arrived.put_nowait(None)  # the end is for the next call
    return [arrival for arrival in batch if arrival is not None]
