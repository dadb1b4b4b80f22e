"""The road: listed tasks → bytes → model → rows → COPY, with the progress in the same transaction.

Choosing, fetching and loading run side by side. Only so many tasks are on the road at once, so that memory does not
grow with the work. They arrive in any order; a window is done when the last of its tasks is committed.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from pyrus_etl.errors import RowsRefused, TaskRefused
from pyrus_etl.extract.source import Fetched
from pyrus_etl.load import state
from pyrus_etl.load.batch import TaskLoad, load
from pyrus_etl.load.connection import Connection
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.schema.raw import RawTaskRow, raw_tasks
from pyrus_etl.sync.run import Run

log = logging.getLogger(__name__)

MOST_ON_THE_ROAD = 2000
LARGEST_BATCH = 1000
LINGER = 0.3
"""Seconds that a task waits for others to be committed with it."""


class Listed(NamedTuple):
    """Tasks of a list, and the number of the window that is done when they are."""

    tasks: Sequence[TaskHeader]
    window_no: int | None = None


@dataclass(eq=False)
class _List:
    """A list on the road, and how many of its tasks are not committed yet."""

    window_no: int | None
    waiting: int


class _Wanted(NamedTuple):
    """A task to be fetched."""

    header: TaskHeader
    of: _List


class _Arrival(NamedTuple):
    """The end of a task's way: rows to load, or a reason to set it aside. Neither: its list had nothing to fetch."""

    of: _List
    load: TaskLoad | None = None
    failure: state.SetAside | None = None


class _Road(NamedTuple):
    """The queues between the stages; None is the end of each. `room` is what may still come onto the road."""

    wanted: asyncio.Queue[_Wanted | None]
    arrived: asyncio.Queue[_Arrival | None]
    room: asyncio.Semaphore


async def carry(lists: AsyncIterator[Listed], run: Run) -> None:
    """Brings every listed task that changed into the tables.

    Whatever ends it, an error or a signal, what had arrived by then is committed first; safe to repeat.
    """
    road = _Road(asyncio.Queue(run.concurrency), asyncio.Queue(), asyncio.Semaphore(MOST_ON_THE_ROAD))
    loading = asyncio.create_task(_load_all(road, run))
    supplying = asyncio.create_task(_supply(lists, road, run))
    stopping = asyncio.create_task(run.stopping.wait())
    try:
        await asyncio.wait({loading, supplying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        supplying.cancel()
        await asyncio.wait({supplying})
        road.arrived.put_nowait(None)
        await loading
    finally:
        for stage in (loading, supplying, stopping):
            stage.cancel()
    if not supplying.cancelled():
        _raise_first(supplying.exception())
    run.check_stopped()
    assert not run.pending, "every task that was chosen is committed or set aside"


def _raise_first(error: BaseException | None) -> None:
    """Raises what ended a group of stages, without the group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        raise error


async def _supply(lists: AsyncIterator[Listed], road: _Road, run: Run) -> None:
    """Chooses and fetches, several tasks at a time."""
    async with asyncio.TaskGroup() as stages:
        stages.create_task(_choose(lists, road, run))
        for _ in range(run.concurrency):
            stages.create_task(_fetch_each(road, run))


async def _choose(lists: AsyncIterator[Listed], road: _Road, run: Run) -> None:
    """Picks those listed tasks that are not stored as they are listed now."""
    async for listed in lists:
        chosen = await _changed(listed.tasks, run)
        of = _List(listed.window_no, len(chosen) or 1)
        if not chosen:
            road.arrived.put_nowait(_Arrival(of))
        for header in chosen:
            await road.room.acquire()
            await road.wanted.put(_Wanted(header, of))
    for _ in range(run.concurrency):
        await road.wanted.put(None)


async def _changed(tasks: Sequence[TaskHeader], run: Run) -> list[TaskHeader]:
    """The listed tasks to fetch; not those that are on the road, or were set aside in this run."""
    listed = {task.id: task for task in tasks}
    unchanged = await run.store.run(state.unchanged, [(task.id, task.modified_date) for task in listed.values()])
    skipped = unchanged | run.pending | run.failed
    chosen = [task for task in listed.values() if task.id not in skipped]
    run.pending.update(task.id for task in chosen)
    run.count(tasks_listed=len(tasks), tasks_unchanged=len(unchanged))
    run.progress.tasks_wanted += len(chosen)
    return chosen


async def _fetch_each(road: _Road, run: Run) -> None:
    while (wanted := await road.wanted.get()) is not None:
        road.arrived.put_nowait(await _fetch(wanted, run))


async def _fetch(wanted: _Wanted, run: Run) -> _Arrival:
    """bytes → model → rows; a task that cannot be had or read becomes a reason to set it aside."""
    try:
        fetched = await run.source.task(wanted.header.id)
        return _Arrival(wanted.of, load=_rows(fetched, wanted.header))
    except TaskRefused as error:
        return _Arrival(wanted.of, failure=_failure(wanted.header.id, error))


def _rows(fetched: Fetched, header: TaskHeader) -> TaskLoad:
    rows = task_rows(fetched.task)
    rows.unreadable += fetched.unreadable
    listed_date = header.modified_date or fetched.task.modified_date
    raw = RawTaskRow(header.id, fetched.payload, fetched.payload_sha256, fetched.fetched_at, listed_date)
    rows.add(raw_tasks, raw)
    return TaskLoad(header.id, fetched.payload_sha256, listed_date, rows)


def _failure(task_id: int, error: TaskRefused) -> state.SetAside:
    payload = None if error.payload is None else error.payload.decode(errors="replace").replace("\0", "\ufffd")
    return state.SetAside(task_id, error.stage, str(error).replace("\0", "\ufffd"), payload)


async def _load_all(road: _Road, run: Run) -> None:
    """rows → COPY, in batches, to the end of what arrives."""
    while arrivals := await _next_batch(road.arrived):
        await _load(arrivals, run)
        for _ in filter(_task_id, arrivals):
            road.room.release()


async def _next_batch(arrived: asyncio.Queue[_Arrival | None]) -> list[_Arrival]:
    """What arrives within a moment of the first; empty at the end."""
    batch = [await arrived.get()]
    if batch[0] is not None and arrived.qsize() < LARGEST_BATCH:
        await asyncio.sleep(LINGER)
    while batch[-1] is not None and len(batch) < LARGEST_BATCH and not arrived.empty():
        batch.append(arrived.get_nowait())
    if batch[-1] is None and len(batch) > 1:
        arrived.put_nowait(None)  # the end is for the next call
    return [arrival for arrival in batch if arrival is not None]


async def _load(arrivals: list[_Arrival], run: Run) -> None:
    """Commits a batch; where PostgreSQL refuses rows of it, finds the task that they are of and sets it aside."""
    try:
        counted = await run.store.run(_commit, arrivals, run)
    except RowsRefused as error:
        for part in _apart(arrivals, error):
            await _load(part, run)
        return
    run.count(**counted)
    for arrival in arrivals:
        arrival.of.waiting -= 1
    done = {task_id for arrival in arrivals if (task_id := _task_id(arrival)) is not None}
    run.failed.update(arrival.failure.task_id for arrival in arrivals if arrival.failure)
    run.pending -= done
    run.progress.tasks_done += len(done)


def _apart(arrivals: list[_Arrival], error: RowsRefused) -> list[list[_Arrival]]:
    """The halves of a batch that was refused; of a single task, its failure in its place."""
    if len(arrivals) > 1:
        middle = len(arrivals) // 2
        return [arrivals[:middle], arrivals[middle:]]
    (arrival,) = arrivals
    if arrival.load is None:
        raise error
    log.warning("task %s is set aside: %s", arrival.load.task_id, error)
    failure = state.SetAside(arrival.load.task_id, "load", str(error), None)
    return [[arrival._replace(load=None, failure=failure)]]


def _commit(connection: Connection, arrivals: list[_Arrival], run: Run) -> dict[str, int]:
    """Everything that belongs to a batch, in the caller's transaction; returns what it adds to the counts."""
    loads = [arrival.load for arrival in arrivals if arrival.load]
    failures = [arrival.failure for arrival in arrivals if arrival.failure]
    changed = load(connection, loads)
    state.set_aside(connection, failures)
    state.resolve_errors(connection, [task.task_id for task in loads])
    state.finish_windows(connection, run.account_id, _finished(arrivals))
    counted = {
        "tasks_fetched": len(loads),
        "tasks_changed": len(changed),
        "tasks_unchanged": len(loads) - len(changed),
        "tasks_failed": len(failures),
        "values_unreadable": sum(task.rows.unreadable for task in loads if task.task_id in changed),
    }
    state.write_run(connection, run.report.run_id, asdict(run.counts(**counted)))
    return counted


def _finished(arrivals: list[_Arrival]) -> list[int]:
    """The windows whose last tasks are in this batch."""
    here = Counter(arrival.of for arrival in arrivals)
    return [of.window_no for of, number in here.items() if of.window_no is not None and of.waiting == number]


def _task_id(arrival: _Arrival) -> int | None:
    if arrival.load:
        return arrival.load.task_id
    return arrival.failure.task_id if arrival.failure else None
