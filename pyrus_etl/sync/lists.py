"""Lists of tasks that the plans pass to the pipeline."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from pyrus_etl.load.inbox import write_inbox
from pyrus_etl.load.rejected import leave_to_others, open_rejections
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.sync.session import Run

LARGEST_PART = 5000


class Listed(NamedTuple):
    """Tasks of a list, and the number of the window that is done when all of them are.

    `stored`: no list shows them; they are fetched because their stored bodies are doubted.
    """

    tasks: Sequence[TaskHeader]
    window_no: int | None = None
    stored: bool = False


def in_parts(tasks: Iterable[TaskHeader]) -> Iterator[Listed]:
    """Splits a list into parts of at most `LARGEST_PART` tasks."""
    left = iter(tasks)
    while part := list(islice(left, LARGEST_PART)):
        yield Listed(part)


async def inbox(run: Run) -> AsyncIterator[Listed]:
    """Lists the inbox, and stores which tasks are in it, in their order."""
    listed = (await run.source.inbox()).headers
    await run.store.transaction(write_inbox, run.account_id, [task.id for task in listed])
    for part in in_parts(listed):
        yield part


async def rejected(run: Run) -> Listed:
    """Lists the tasks that earlier runs rejected, without dates, so that they are fetched again."""
    open_ = await run.store.query(open_rejections, run.account_id)
    if open_:
        await run.store.transaction(leave_to_others, run.account_id)
        open_ = await run.store.query(open_rejections, run.account_id)
    run.retried.update(open_)
    return Listed([TaskHeader(task_id) for task_id in sorted(run.retried)])


async def to_ask_again(run: Run) -> AsyncIterator[Listed]:
    """Lists what the other lists leave open: tasks that changed while in flight, and doubted tasks not listed."""
    yield Listed([TaskHeader(task_id, date) for task_id, date in run.relisted.items()])
    yield Listed([TaskHeader(task_id, date) for task_id, date in run.doubted.items()], stored=True)
