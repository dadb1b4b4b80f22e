"""Lists of tasks that the plans pass to the pipeline."""

from collections.abc import AsyncIterator

from pyrus_etl.extract.pages import Census, Question
from pyrus_etl.load.progress.inbox import write_inbox
from pyrus_etl.load.tasks.rejected import leave_to_others, open_rejections
from pyrus_etl.model.stream import INBOX, TASKS
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.tasks.task import Listed, in_parts


async def tasks(run: Run, question: Question) -> AsyncIterator[Listed]:
    """Lists tasks as the source does; the progress of the list is not recorded."""
    async for page in run.session.source.pages(TASKS, question):
        run.ledger.feeds.note(page)
        for part in in_parts(page.items):
            yield part


async def inbox(run: Run) -> AsyncIterator[Listed]:
    """Lists the inbox, and stores which tasks are in it, in their order."""
    async for page in run.session.source.pages(INBOX, Census()):
        await run.session.store.transaction(write_inbox, run.session.account_id, [task.id for task in page.items])
        if run.is_selected:  # the inbox does not say which form or list a task is in
            continue
        for part in in_parts(page.items):
            yield part


async def rejected(run: Run) -> Listed:
    """Lists the tasks that earlier runs rejected, without dates, so that they are fetched again."""
    store, account_id = run.session.store, run.session.account_id
    dates = await store.query(open_rejections, account_id)
    if dates:
        await store.transaction(leave_to_others, account_id)
        dates = await store.query(open_rejections, account_id)
    run.ledger.note_rejected(dates)
    return Listed([TaskHeader(task_id) for task_id in sorted(dates)])


async def to_ask_again(run: Run) -> AsyncIterator[Listed]:
    """Lists what the other lists leave open: tasks that changed while in flight, and doubted tasks not listed."""
    yield Listed(run.ledger.listed_again())
    yield Listed(run.ledger.doubted(), stored=True)
