"""The end of the pipeline: makes the rows of a batch, and writes them and the progress in one transaction.

Rows are made for many tasks at once: in between two requests, the same work takes the processor half as long again,
because neither the code nor its data is in the caches any more.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from pyrus_etl.errors import RowsRefused
from pyrus_etl.load.operation.runs import write_run
from pyrus_etl.load.progress.backfills import finish_windows
from pyrus_etl.load.sharing.claims import end_own, release
from pyrus_etl.load.sharing.readers import hand_over
from pyrus_etl.load.tasks.batch import load
from pyrus_etl.load.tasks.rejected import Rejected, reject, resolve_rejections
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.stream import TASKS
from pyrus_etl.normalize.fetched import fetched_rows
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.counts import Counts
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.sharing.workers import Arrived
from pyrus_etl.sync.tasks.ledger import Ledger
from pyrus_etl.sync.tasks.task import Arrival, Served

log = logging.getLogger(__name__)

MOST_REFUSED_IN_A_ROW = 100
NORMALIZED_AT_ONCE = 100
"""Tasks; the event loop has a turn after them, some milliseconds later."""
_OF_TASKS = {str(table) for table in (*MERGED, OWNER, *OWNED)} | {None}
"""The tables whose rows belong to tasks; None, because PostgreSQL does not always name the table."""


class Batch(NamedTuple):
    """The rows and changes of one transaction: plain data, for the database thread.

    `left`: tasks that stay as they are stored. `windows`: those that it completes. `counts`: of the run before this
    batch. `claimed`: tasks whose claims end. `is_part`: it is a worker's, and the run
    keeps the progress.
    """

    run_id: UUID
    account_id: int
    loads: Sequence[TaskLoad]
    failures: Sequence[Rejected]
    left: Sequence[int]
    windows: Sequence[int]
    counts: Counts
    claimed: Sequence[int] = ()
    is_part: bool = False


async def commit(arrivals: list[Arrival], run: Run) -> None:
    """Commits a batch. If PostgreSQL refuses rows of a task, finds the task and rejects it.

    Raises RowsRefused if the rows belong to no task, or if more than `MOST_REFUSED_IN_A_ROW` tasks in a row are
    refused: then the tasks are hardly the cause.
    """
    arrivals = await _normalized(arrivals, run)
    batch = _batch(arrivals, run)
    try:
        counted = await run.session.store.transaction(_write, batch)
    except RowsRefused as error:
        for part in _halves(arrivals, error, run.ledger):
            await commit(part, run)
        return
    run.ledger.commit(arrivals, counted)


async def _normalized(arrivals: list[Arrival], run: Run) -> list[Arrival]:
    """Makes the rows of tasks as served; other coroutines have their turns after `NORMALIZED_AT_ONCE` of them."""
    normalized: list[Arrival] = []
    for start in range(0, len(arrivals), NORMALIZED_AT_ONCE):
        part = arrivals[start : start + NORMALIZED_AT_ONCE]
        normalized += [_with_rows(each, each.served, run) if each.served else each for each in part]
        await asyncio.sleep(0)
    return normalized


def _with_rows(arrival: Arrival, served: Served, run: Run) -> Arrival:
    wanted, fetched = served
    rows = fetched_rows(wanted.task_id, fetched, wanted.listed_date, run.form_overrides)
    listed_date = wanted.listed_date or fetched.task.last_change
    is_unlisted = wanted.listed_date is None
    load = TaskLoad(wanted.task_id, rows, listed_date, wanted.is_doubted, wanted.listed_note_id, is_unlisted)
    return Arrival(arrival.window_no, load=load, size=arrival.size)


async def commit_progress(arrived: list[Arrived], run: Run) -> None:
    """Commits the progress of parts whose tasks workers have committed."""
    session, ledger = run.session, run.ledger
    arrivals = [arrival for each in arrived for arrival in each.arrivals]
    counted = sum((each.counts for each in arrived), Counts())
    counts = ledger.counts(session.source) + counted
    await session.store.transaction(
        _write_progress, session.run_id, session.account_id, ledger.finished_by(arrivals), counts
    )
    for arrival in arrivals:
        if arrival.read:
            ledger.lag.note_body(*arrival.read)
    ledger.commit(arrivals, counted)


def _write_progress(
    connection: Connection, run_id: UUID, account_id: int, windows: Sequence[int], counts: Counts
) -> None:
    if windows:
        finish_windows(connection, account_id, TASKS, windows)
    write_run(connection, run_id, counts.as_columns())


def _batch(arrivals: list[Arrival], run: Run) -> Batch:
    session, ledger = run.session, run.ledger
    return Batch(
        session.run_id,
        session.account_id,
        [arrival.load for arrival in arrivals if arrival.load],
        [arrival.failure for arrival in arrivals if arrival.failure],
        [arrival.left for arrival in arrivals if arrival.left is not None],
        ledger.finished_by(arrivals),
        ledger.counts(session.source),
        [arrival.outcome[0] for arrival in arrivals if arrival.outcome] if session.shares else (),
        session.is_worker,
    )


def _halves(arrivals: list[Arrival], error: RowsRefused, ledger: Ledger) -> list[list[Arrival]]:
    """Splits a refused batch in two; replaces a single task by its failure."""
    if error.table not in _OF_TASKS:
        raise error
    if len(arrivals) > 1:
        middle = len(arrivals) // 2
        return [arrivals[:middle], arrivals[middle:]]
    (arrival,) = arrivals
    if arrival.load is None or ledger.note_refusal(arrival.load.task_id) > MOST_REFUSED_IN_A_ROW:
        raise error
    log.warning("task %s is set aside: %s", arrival.load.task_id, error)
    failure = Rejected(arrival.load.task_id, "load", str(error), None, arrival.load.listed_date)
    return [[arrival._replace(load=None, failure=failure)]]


def _write(connection: Connection, batch: Batch) -> Counts:
    """Writes a batch in the caller's transaction; returns what it adds to the counts."""
    account_id, loads, failures = batch.account_id, batch.loads, batch.failures
    if batch.is_part:
        end_own(connection, batch.run_id, batch.claimed)
    changed = load(connection, account_id, loads)
    rejected = reject(connection, account_id, failures) if failures else 0
    hand_over(connection, account_id, batch.left)
    if loads:
        resolve_rejections(connection, account_id, [task.task_id for task in loads])
    if batch.windows:
        finish_windows(connection, account_id, TASKS, batch.windows)
    if not batch.is_part:
        release(connection, batch.run_id, batch.claimed)
    counted = Counts(
        tasks_fetched=len(loads),
        tasks_changed=len(changed),
        tasks_unchanged=len(loads) - len(changed),
        tasks_failed=rejected,
        values_unreadable=sum(task.rows.unreadable for task in loads if task.task_id in changed),
    )
    if not batch.is_part:
        write_run(connection, batch.run_id, (batch.counts + counted).as_columns())
    return counted
