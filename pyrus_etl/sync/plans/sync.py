"""The incremental plan: what changed since the last run, by windows that have no end."""

from collections.abc import AsyncIterator
from datetime import datetime

from pyrus_etl.extract.v3.windows import Window, listings
from pyrus_etl.load.batch import write
from pyrus_etl.load.cursors import move_cursor
from pyrus_etl.load.inbox import write_inbox
from pyrus_etl.load.rejected import open_rejections
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.normalize.person import contact_rows
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.rows import Rows
from pyrus_etl.sync.pipeline import Listed, again, carry, in_parts
from pyrus_etl.sync.session import Run
from pyrus_etl.sync.since import since


async def catch_up(run: Run, cursor: datetime) -> None:
    """Brings everything that changed since the cursor, then moves the cursor to the start of the run.

    The window has no end: what changes while it is listed is either listed or left to the next run. If answers that
    came meanwhile show that the clock of the first ones was wrong, it asks again from further back.
    """
    start, window = run.start, await since(run, cursor)
    await carry(_lists(run, window), run)
    if run.start != start and (earlier := await since(run, cursor)) != window:
        await carry(_found(run, earlier), run)
    await carry(again(run), run)
    told = await run.unless_stopped(run.source.contacts())
    await run.store.transaction(_finish, contact_rows(told), run)


def _finish(connection: Connection, persons: Rows, run: Run) -> None:
    write(connection, persons)
    move_cursor(connection, run.account_id, run.report.run_id, *run.start)


async def _lists(run: Run, window: Window) -> AsyncIterator[Listed]:
    """What was set aside, the inbox, and what was active in the window."""
    yield await set_aside(run)
    async for part in inbox(run):
        yield part
    async for part in _found(run, window):
        yield part


async def _found(run: Run, window: Window) -> AsyncIterator[Listed]:
    """What was active in the window."""
    async for listing in listings(run.source.search, [window], run.source.search_sizes):
        yield Listed(listing.tasks)


async def inbox(run: Run) -> AsyncIterator[Listed]:
    """The inbox, which is stored as it is listed."""
    listed = (await run.source.inbox()).headers
    await run.store.transaction(write_inbox, run.account_id, [task.id for task in listed])
    for part in in_parts(listed):
        yield part


async def set_aside(run: Run) -> Listed:
    """The tasks that earlier runs set aside; listed without a date, they are fetched again."""
    run.retried.update(await run.store.query(open_rejections))
    return Listed([TaskHeader(task_id) for task_id in sorted(run.retried)])


async def retry(run: Run) -> None:
    """Tries what was set aside again, and nothing else."""

    async def lists() -> AsyncIterator[Listed]:
        yield await set_aside(run)

    await carry(lists(), run)
