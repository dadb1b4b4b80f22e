"""The reconcile plan: a complete census of what the account can see, against what is stored.

A date cannot show that a task is gone, that access to it was granted later, or that it was changed with a date set
back. The census shows all of these, at the cost of the lists where nothing is amiss.
"""

import logging
from collections.abc import AsyncIterator, Iterable

from pyrus_etl.errors import CensusDoubted, TaskRefused
from pyrus_etl.extract.v3.windows import Window, listings
from pyrus_etl.load.cursors import move_cursor
from pyrus_etl.load.presence import absentees, mark_deleted
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.sync.pipeline import Listed, again, carry, count_odd, in_parts
from pyrus_etl.sync.plans.sync import inbox, set_aside
from pyrus_etl.sync.session import Run
from pyrus_etl.sync.stages import together

log = logging.getLogger(__name__)

MAX_DELETED = 0.2


async def reconcile(run: Run, max_deleted: float = MAX_DELETED, *, force: bool = False) -> None:
    """Fetches what was missed, marks what is gone, unmarks what came back.

    A task is marked only when all lists were read to their end without it and Pyrus refuses it by its id too. All is
    marked and unmarked in one transaction, and the rows are kept. Where more than the share `max_deleted` of the stored
    tasks is absent, nothing is marked and CensusDoubted raised, unless `force`.
    """
    census: set[int] = set()
    await carry(_counted(_lists(run, census), census), run)
    absent, share = await run.store.query(absentees, census)
    if share > max_deleted and not force:
        raise CensusDoubted(
            f"{len(absent)} tasks, {share:.1%} of what is stored, are absent from Pyrus's lists "
            f"(limit {max_deleted:.1%}): nothing is marked as deleted. If that many are gone, say so with --force or "
            "--max-deleted."
        )
    gone, there = await _confirmed(run, absent)
    await carry(_of(there), run)
    await carry(again(run), run)
    run.count(tasks_deleted=await run.store.transaction(mark_deleted, gone, census.union(there)))
    await run.store.transaction(move_cursor, run.account_id, run.report.run_id, *run.start)


async def _lists(run: Run, census: set[int]) -> AsyncIterator[Listed]:
    """All three lists; then what was set aside and is still listed, for it is tried again in every run."""
    aside = await set_aside(run)
    async for part in inbox(run):
        yield part
    async for listing in listings(run.source.search, [Window()], run.source.search_sizes):
        yield Listed(listing.tasks)
    for part in in_parts((await run.source.all_tasks()).headers):
        yield part
    yield Listed([task for task in aside.tasks if task.id in census])


async def _counted(lists: AsyncIterator[Listed], census: set[int]) -> AsyncIterator[Listed]:
    async for listed in lists:
        census.update(task.id for task in listed.tasks)
        yield listed


async def _of(tasks: Iterable[int]) -> AsyncIterator[Listed]:
    yield Listed([TaskHeader(task_id) for task_id in tasks])


async def _confirmed(run: Run, absent: list[int]) -> tuple[list[int], list[int]]:
    """The absentees that Pyrus refuses by their ids, and those that are there after all."""
    gone: list[int] = []
    there: list[int] = []
    waiting = iter(absent)

    async def ask() -> None:
        for task_id in waiting:
            (gone if await _is_gone(run, task_id) else there).append(task_id)

    await run.unless_stopped(together(*(ask() for _ in range(run.concurrency))))
    return gone, there


async def _is_gone(run: Run, task_id: int) -> bool:
    """Whether Pyrus refuses the task; one that cannot be read is there."""
    try:
        await run.source.task(task_id)
    except TaskRefused as error:
        count_odd(task_id, error, run)
        return error.denied
    run.odd_in_a_row = 0
    return False
