"""The end of the pipeline: writes a batch of tasks and the progress that it means in one transaction."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pyrus_etl.errors import RowsRefused
from pyrus_etl.load.backfills import finish_windows
from pyrus_etl.load.batch import TaskLoad, load
from pyrus_etl.load.readers import hand_over
from pyrus_etl.load.rejected import Rejected, reject, resolve_rejections
from pyrus_etl.load.requests import write_requests
from pyrus_etl.load.runs import write_run
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.counts import Counts
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER
from pyrus_etl.sync.session import Run

log = logging.getLogger(__name__)

MOST_REFUSED_IN_A_ROW = 100
_OF_TASKS = {str(table) for table in (*MERGED, OWNER, *OWNED)} | {None}
"""The tables whose rows belong to tasks; None, because PostgreSQL does not always name the table."""


@dataclass(eq=False)
class ListInFlight:
    """A list whose tasks are in flight: the window that it completes, and how many tasks are not committed yet."""

    window_no: int | None
    waiting: int


class Arrival(NamedTuple):
    """A task on its way into a batch: `load` has its rows, `failure` says why it is rejected, or `left` is its id.

    A task in `left` stays as it is stored. If all three are None, a window had nothing to fetch. `size`: bytes of the
    body.
    """

    listing: ListInFlight
    load: TaskLoad | None = None
    failure: Rejected | None = None
    left: int | None = None
    size: int = 0

    @property
    def task_id(self) -> int | None:
        outcome = self.load or self.failure
        return outcome.task_id if outcome else self.left


async def commit(arrivals: list[Arrival], run: Run) -> None:
    """Commits a batch. If PostgreSQL refuses rows of a task, finds the task and rejects it.

    Raises RowsRefused if the rows belong to no task, or if more than `MOST_REFUSED_IN_A_ROW` tasks in a row are
    refused: then the tasks are hardly the cause.
    """
    try:
        sent = run.pace.journal.unwritten()
        counted = await run.store.transaction(_write, arrivals, run, sent)
    except RowsRefused as error:
        for part in _halves(arrivals, error, run):
            await commit(part, run)
        return
    run.pace.journal.written(sent)
    run.count(counted)
    if any(arrival.load for arrival in arrivals):
        run.refused_in_a_row = 0
    for arrival in arrivals:
        arrival.listing.waiting -= 1
    done = {arrival.task_id for arrival in arrivals if arrival.task_id is not None}
    run.failed.update(arrival.failure.task_id for arrival in arrivals if arrival.failure)
    run.recovered.update(
        arrival.load.task_id for arrival in arrivals if arrival.load and arrival.load.task_id in run.retried
    )
    for task_id in done:
        run.pending.pop(task_id, None)
    run.progress.tasks_done += len(done)


def _halves(arrivals: list[Arrival], error: RowsRefused, run: Run) -> list[list[Arrival]]:
    """Splits a refused batch in two; replaces a single task by its failure."""
    if error.table not in _OF_TASKS:
        raise error
    if len(arrivals) > 1:
        middle = len(arrivals) // 2
        return [arrivals[:middle], arrivals[middle:]]
    (arrival,) = arrivals
    if arrival.load is None:
        raise error
    run.refused_in_a_row += arrival.load.task_id not in run.retried
    if run.refused_in_a_row > MOST_REFUSED_IN_A_ROW:
        raise error
    log.warning("task %s is set aside: %s", arrival.load.task_id, error)
    failure = Rejected(arrival.load.task_id, "load", str(error), None, arrival.load.listed_date)
    return [[arrival._replace(load=None, failure=failure)]]


def _write(connection: Connection, arrivals: list[Arrival], run: Run, sent: Mapping[int, int]) -> Counts:
    """Writes everything that belongs to a batch, in the caller's transaction; returns what it adds to the counts."""
    loads = [arrival.load for arrival in arrivals if arrival.load]
    failures = [arrival.failure for arrival in arrivals if arrival.failure]
    changed = load(connection, run.account_id, loads)
    rejected = reject(connection, run.account_id, failures) if failures else 0
    hand_over(connection, run.account_id, [arrival.left for arrival in arrivals if arrival.left is not None])
    if loads:
        resolve_rejections(connection, run.account_id, [task.task_id for task in loads])
    if finished := _finished(arrivals):
        finish_windows(connection, run.account_id, finished)
    counted = Counts(
        tasks_fetched=len(loads),
        tasks_changed=len(changed),
        tasks_unchanged=len(loads) - len(changed),
        tasks_failed=rejected,
        values_unreadable=sum(task.rows.unreadable for task in loads if task.task_id in changed),
    )
    write_run(connection, run.run_id, run.counted(counted).as_columns())
    write_requests(connection, run.run_id, sent)
    return counted


def _finished(arrivals: list[Arrival]) -> list[int]:
    """Returns the windows that this batch completes."""
    here = Counter(arrival.listing for arrival in arrivals)
    return [
        listing.window_no
        for listing, number in here.items()
        if listing.window_no is not None and listing.waiting == number
    ]
