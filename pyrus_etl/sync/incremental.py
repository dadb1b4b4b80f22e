"""The incremental plan: what changed since the last run, by windows that have no end."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from pyrus_etl.extract.windows import Window, listings
from pyrus_etl.load.batch import write
from pyrus_etl.load.connection import Connection
from pyrus_etl.load.cursor import move_cursor
from pyrus_etl.load.inbox import write_inbox
from pyrus_etl.load.runs import last_duration
from pyrus_etl.load.set_aside import open_errors
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.normalize.person import contact_rows
from pyrus_etl.schema.rows import Rows
from pyrus_etl.sync.road import Listed, again, carry, in_parts
from pyrus_etl.sync.run import Run


async def catch_up(run: Run, cursor: datetime) -> None:
    """Brings everything that changed since the cursor, then moves the cursor to the start of this.

    The start is told by the server's clock and taken before the first list. The overlap is at least as long as the
    last run took. The window has no end: what changes while it is listed is either listed or left to the next run.
    """
    start = run.source.start.server
    duration = await run.store.autocommit(last_duration, run.account_id)
    since = cursor - max(run.overlap, timedelta(seconds=duration))
    await carry(_lists(run, Window(start=int(since.timestamp()) - 1)), run)
    await carry(again(run), run)
    told = await run.unless_stopped(run.source.contacts())
    await run.store.run(_finish, contact_rows(told), run.account_id, start)


def _finish(connection: Connection, persons: Rows, account_id: int, cursor: datetime) -> None:
    write(connection, persons)
    move_cursor(connection, account_id, cursor)


async def _lists(run: Run, window: Window) -> AsyncIterator[Listed]:
    """What was set aside, the inbox, and what was active in the window."""
    yield await set_aside(run)
    async for part in inbox(run):
        yield part
    async for listing in listings(run.source.search, [window], run.source.search_sizes):
        yield Listed(listing.tasks)


async def inbox(run: Run) -> AsyncIterator[Listed]:
    """The inbox, which is stored as it is listed."""
    listed = (await run.source.inbox()).headers
    await run.store.run(write_inbox, run.account_id, [task.id for task in listed])
    for part in in_parts(listed):
        yield part


async def set_aside(run: Run) -> Listed:
    """The tasks that earlier runs set aside; listed without a date, they are fetched again."""
    run.retried.update(await run.store.autocommit(open_errors))
    return Listed([TaskHeader(task_id) for task_id in sorted(run.retried)])


async def retry(run: Run) -> None:
    """Tries what was set aside again, and nothing else."""

    async def lists() -> AsyncIterator[Listed]:
        yield await set_aside(run)

    await carry(lists(), run)
