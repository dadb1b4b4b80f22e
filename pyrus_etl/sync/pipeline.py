"""The pipeline: listed tasks → bytes → model → rows → COPY, with the progress in the same transaction.

Choosing, fetching and loading run concurrently. The number and the bytes of the tasks in flight are limited, so memory
does not grow with the work. Tasks arrive in any order; a window is done when the last of its tasks is committed.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from pyrus_etl.errors import BudgetSpent, PyrusEtlError, PyrusUnreachable, TaskRefused
from pyrus_etl.extract.source import Fetched
from pyrus_etl.load.batch import TaskLoad
from pyrus_etl.load.rejected import Rejected
from pyrus_etl.load.sightings import compare, note_listed
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.normalize.raw import add_raw
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.commit import Arrival, ListInFlight, commit
from pyrus_etl.sync.doubt import is_doubtful
from pyrus_etl.sync.lists import Listed
from pyrus_etl.sync.rebuild import rebuild_some
from pyrus_etl.sync.session import Run
from pyrus_etl.sync.stages import together

MOST_QUEUED = 5000
MOST_IN_FLIGHT = 2000
MOST_SERVER_FAULTS = 30
MOST_BYTES_IN_FLIGHT = 1 << 26
LARGEST_BATCH = 1000
FEW = 200
LINGER = 0.1
"""Seconds that a batch of fewer than `FEW` tasks waits for more, so that they share a commit."""


class _Wanted(NamedTuple):
    """A task to fetch. `again`: its stored body is doubted; `listed`: a list shows it."""

    header: TaskHeader
    listing: ListInFlight
    again: bool
    listed: bool


@dataclass
class _Pipeline:
    """The queues between the stages, each closed by None, and the limits on what is in flight.

    `to_fetch` is long, so that the next list is read while tasks of the last one are fetched. `slots`: how many more
    tasks may be in flight. `bytes`: the size of the bodies in flight; `below_limit` is set while it is below the limit.
    `ended` is set when no more tasks arrive in `to_load`.
    """

    to_fetch: asyncio.Queue[_Wanted | None] = field(default_factory=lambda: asyncio.Queue(MOST_QUEUED))
    to_load: asyncio.Queue[Arrival | None] = field(default_factory=asyncio.Queue)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_IN_FLIGHT))
    bytes: int = 0
    below_limit: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def add_bytes(self, more: int) -> None:
        self.bytes += more
        (self.below_limit.set if self.bytes < MOST_BYTES_IN_FLIGHT else self.below_limit.clear)()


async def run_pipeline(lists: AsyncIterator[Listed], run: Run) -> None:
    """Loads every listed task that changed.

    If an error or a signal ends it, the tasks fetched so far are committed first. Safe to repeat.
    """
    pipeline = _Pipeline()
    pipeline.add_bytes(0)
    loading = asyncio.create_task(_load_all(pipeline, run))
    fetching = asyncio.create_task(_choose_and_fetch(lists, pipeline, run))
    stopping = asyncio.create_task(run.stop.asked.wait())
    try:
        await asyncio.wait({loading, fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        fetching.cancel()
        await asyncio.wait({fetching})
        pipeline.to_load.put_nowait(None)
        pipeline.ended.set()
        await loading
    finally:
        for stage in (loading, fetching, stopping):
            stage.cancel()
    if not fetching.cancelled() and (error := fetching.exception()):
        raise error
    run.stop.check()
    assert not run.pending, "every chosen task is committed or rejected"


async def _choose_and_fetch(lists: AsyncIterator[Listed], pipeline: _Pipeline, run: Run) -> None:
    """Chooses and fetches tasks, several at a time; if a list fails, the tasks listed before it are fetched first."""
    broken_off: list[PyrusEtlError] = []
    fetchers = [_fetch_each(pipeline, run) for _ in range(run.concurrency)]
    await together(_choose_all(lists, pipeline, run, broken_off), *fetchers)
    if error := run.spent or next(iter(broken_off), None):
        raise error


async def _choose_all(
    lists: AsyncIterator[Listed], pipeline: _Pipeline, run: Run, broken_off: list[PyrusEtlError]
) -> None:
    try:
        await _choose(lists, pipeline, run)
    except PyrusEtlError as error:
        broken_off.append(error)
    for _ in range(run.concurrency):
        await pipeline.to_fetch.put(None)


async def _choose(lists: AsyncIterator[Listed], pipeline: _Pipeline, run: Run) -> None:
    """Chooses the listed tasks whose stored dates differ from the listed ones."""
    async for listed in lists:
        if run.spent:
            return
        chosen = await _changed(listed.tasks, run)
        listing = ListInFlight(listed.window_no, len(chosen) or 1)
        if not chosen and listed.window_no is not None:
            pipeline.to_load.put_nowait(Arrival(listing))
        for header in chosen:
            again = header.id in run.doubted
            known = run.doubted.pop(header.id, None) or run.retried.get(header.id)
            dated = header if header.modified_date else TaskHeader(header.id, known)
            await pipeline.to_fetch.put(_Wanted(dated, listing, again, not listed.stored))


async def _changed(tasks: Sequence[TaskHeader], run: Run) -> list[TaskHeader]:
    """Returns the listed tasks to fetch: not those in flight, nor those that this run rejected or recovered."""
    listed = {task.id: task for task in tasks}
    dates = [(task.id, task.modified_date) for task in listed.values()]
    compared = await run.store.query(compare, run.account_id, dates)
    if compared.sighted:
        await run.store.transaction(note_listed, run.account_id, compared)
    unchanged = compared.unchanged - run.doubted.keys()
    if run.has_outdated_rows:
        await rebuild_some(run.store, unchanged, run.form_overrides)
    _note_relisted(listed, run)
    skipped = unchanged | (compared.left - run.doubted.keys()) | run.pending.keys() | run.failed
    skipped |= {task.id for task in listed.values() if task.modified_date is None and task.id in run.recovered}
    chosen = [task for task in listed.values() if task.id not in skipped]
    run.pending.update({task.id: task.modified_date for task in chosen})
    run.count(Counts(tasks_listed=len(tasks), tasks_unchanged=len(unchanged)))
    run.progress.tasks_wanted += len(chosen)
    return chosen


def _note_relisted(listed: Mapping[int, TaskHeader], run: Run) -> None:
    """Remembers tasks in flight that are listed again with another date: the body that arrives may be older."""
    for task_id in listed.keys() & run.pending.keys():
        date = listed[task_id].modified_date
        if date is not None and date != run.pending[task_id]:
            run.relisted[task_id] = date


async def _fetch_each(pipeline: _Pipeline, run: Run) -> None:
    """Fetches queued tasks. Once the budget is spent, it leaves the rest to the next run."""
    while (wanted := await pipeline.to_fetch.get()) is not None:
        if run.spent:
            continue
        await pipeline.slots.acquire()
        await pipeline.below_limit.wait()
        try:
            arrival = await _fetch(wanted, run)
            pipeline.add_bytes(arrival.size)
            pipeline.to_load.put_nowait(arrival)
        except BudgetSpent as error:
            run.spent = error
            pipeline.slots.release()


async def _fetch(wanted: _Wanted, run: Run) -> Arrival:
    """bytes → model → rows. If a task cannot be fetched or read, the arrival carries the failure instead."""
    try:
        fetched = await run.source.task(wanted.header.id)
        run.server_faults = 0
        load = task_load(fetched, wanted.header, run.form_overrides)._replace(asked_again=wanted.again)
        return Arrival(wanted.listing, load=load, size=len(fetched.body.payload))
    except TaskRefused as error:
        if error.denied and not wanted.listed:  # it may be deleted: only reconcile decides that
            return Arrival(wanted.listing, left=wanted.header.id)
        count_server_fault(wanted.header.id, error, run)
        return Arrival(wanted.listing, failure=_failure(wanted.header, error), size=len(error.payload or b""))


def count_server_fault(task_id: int, error: TaskRefused, run: Run) -> None:
    """Counts server faults in a row; raises PyrusUnreachable if there are more than `MOST_SERVER_FAULTS`."""
    run.server_faults += error.odd and task_id not in run.retried
    if run.server_faults > MOST_SERVER_FAULTS:
        raise PyrusUnreachable(
            f"{run.server_faults} tasks in a row kept failing, last: {error}; try again later."
        ) from error


def task_load(fetched: Fetched, header: TaskHeader, form_overrides: Mapping[int, int | None]) -> TaskLoad:
    """Makes the rows of a fetched task, its raw row included."""
    rows = task_rows(fetched.task, form_overrides)
    rows.unreadable += fetched.unreadable
    is_doubted = is_doubtful(fetched, header.modified_date)
    add_raw(rows, header.id, fetched.body, fetched.server_time, is_doubted=is_doubted)
    return TaskLoad(header.id, rows, header.modified_date or fetched.task.last_change)


def _failure(header: TaskHeader, error: TaskRefused) -> Rejected:
    payload = None if error.payload is None else error.payload.decode(errors="replace").replace("\0", "\ufffd")
    text = str(error).replace("\0", "\ufffd")
    return Rejected(header.id, error.stage, text, payload, header.modified_date, denied=error.denied)


async def _load_all(pipeline: _Pipeline, run: Run) -> None:
    """rows → COPY, batch by batch, until no more tasks arrive."""
    while arrivals := await _next_batch(pipeline.to_load, pipeline.ended):
        await commit(arrivals, run)
        pipeline.add_bytes(-sum(arrival.size for arrival in arrivals))
        for _ in (arrival for arrival in arrivals if arrival.task_id is not None):
            pipeline.slots.release()


async def _next_batch(to_load: asyncio.Queue[Arrival | None], ended: asyncio.Event) -> list[Arrival]:
    """Returns the tasks that have arrived. If they are few, waits `LINGER` seconds for more. Empty at the end."""
    batch = [await to_load.get()]
    if batch[0] is not None and to_load.qsize() < min(FEW, LARGEST_BATCH):
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), LINGER)
    while batch[-1] is not None and len(batch) < LARGEST_BATCH and not to_load.empty():
        batch.append(to_load.get_nowait())
    if batch[-1] is None and len(batch) > 1:
        to_load.put_nowait(None)  # the end is for the next call
    return [arrival for arrival in batch if arrival is not None]
