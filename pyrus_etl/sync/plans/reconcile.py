"""The reconcile plan: a complete census of the tasks that the account can see, compared with the stored ones.

Dates cannot show that a task is deleted, that access to it was granted later, or that a change set its date back. The
census shows all three. If nothing differs, it costs only the requests for the lists.
"""

import logging
from collections.abc import AsyncIterator, Iterable
from functools import partial

from pyrus_etl.errors import CensusDoubted, TaskRefused
from pyrus_etl.extract.pages import Census
from pyrus_etl.load.cursors import move_cursor
from pyrus_etl.load.presence import absentees, mark_deleted
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.lists import inbox, rejected, tasks, to_ask_again
from pyrus_etl.sync.pipeline import check_server, run_pipeline
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.stages import together
from pyrus_etl.sync.streams import FIRST, read_streams
from pyrus_etl.sync.tasks import Listed

log = logging.getLogger(__name__)

MAX_DELETED = 0.2


def reconcile(max_deleted: float = MAX_DELETED, *, force: bool = False) -> Plan:
    """The plan that fetches missed tasks, marks tasks as deleted that are gone, and unmarks those that came back.

    A task is marked only if every list was read to its end without it and Pyrus also refuses it by id. Marking and
    unmarking is one transaction, and no rows are deleted. If more than the share `max_deleted` of the stored tasks is
    absent, marks nothing and raises CensusDoubted, unless `force`.
    """
    return Plan("reconcile", partial(_reconcile, max_deleted=max_deleted, force=force))


async def _reconcile(run: Run, max_deleted: float, *, force: bool) -> None:
    await read_streams(run, FIRST)
    census: set[int] = set()
    await run_pipeline(_with_census(_lists(run, census), census), run)
    absent, share = await run.session.store.query(absentees, run.session.account_id, census)
    if share > max_deleted and not force:
        raise CensusDoubted(
            f"{len(absent)} tasks, {share:.1%} of the stored ones, are absent from Pyrus's lists "
            f"(limit {max_deleted:.1%}): nothing is marked as deleted. If that many tasks are really gone, repeat with "
            "--force or a higher --max-deleted."
        )
    gone, existing = await _confirmed(run, absent)
    await run_pipeline(_listed(existing), run)
    await run_pipeline(to_ask_again(run), run)
    session = run.session
    deleted = await session.store.transaction(mark_deleted, session.account_id, gone, census.union(existing))
    run.ledger.count(Counts(tasks_deleted=deleted))
    await session.store.transaction(move_cursor, session.account_id, TASKS, session.run_id, *session.start)


async def _lists(run: Run, census: set[int]) -> AsyncIterator[Listed]:
    """Reads every list; then lists the rejected tasks that are among them, because every run retries them."""
    retried = await rejected(run)
    async for part in inbox(run):
        yield part
    async for part in tasks(run, Census()):
        yield part
    yield Listed([task for task in retried.tasks if task.id in census])


async def _with_census(lists: AsyncIterator[Listed], census: set[int]) -> AsyncIterator[Listed]:
    async for listed in lists:
        census.update(task.id for task in listed.tasks)
        yield listed


async def _listed(task_ids: Iterable[int]) -> AsyncIterator[Listed]:
    yield Listed([TaskHeader(task_id) for task_id in task_ids])


async def _confirmed(run: Run, absent: list[int]) -> tuple[list[int], list[int]]:
    """Asks for every absent task; returns those that Pyrus refuses, and those that exist after all."""
    gone: list[int] = []
    existing: list[int] = []
    waiting = iter(absent)

    async def ask() -> None:
        for task_id in waiting:
            (gone if await _is_gone(run, task_id) else existing).append(task_id)

    await run.stop.unless_asked(together(*(ask() for _ in range(run.limits.fetchers))))
    return gone, existing


async def _is_gone(run: Run, task_id: int) -> bool:
    """Whether Pyrus refuses the task; an unreadable task exists."""
    try:
        await run.session.source.task(task_id)
    except TaskRefused as error:
        check_server(task_id, error, run.ledger)
        return error.denied
    run.ledger.note_answer()
    return False
