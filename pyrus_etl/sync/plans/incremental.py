"""What changed since the cursor: the incremental plan, and the end of a backfill."""

from collections.abc import AsyncIterator
from datetime import datetime

from pyrus_etl.extract.v3.windows import Window, listings
from pyrus_etl.load.batch import write
from pyrus_etl.load.cursors import move_cursor
from pyrus_etl.normalize.person import contact_rows
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.rows import Rows
from pyrus_etl.sync.lists import Listed, inbox, rejected, to_ask_again
from pyrus_etl.sync.pipeline import run_pipeline
from pyrus_etl.sync.session import Run
from pyrus_etl.sync.since import since


async def catch_up(run: Run, cursor: datetime) -> None:
    """Loads everything that changed since the cursor, then moves the cursor to the start of the run.

    The window has no end: a change that comes while it is listed is either listed or left to the next run. If later
    answers show that the clock of the first ones was wrong, this lists the tasks again from an earlier start.
    """
    start, window = run.start, await since(run, cursor)
    await run_pipeline(_lists(run, window), run)
    if run.start != start and (earlier := await since(run, cursor)) != window:
        await run_pipeline(_active(run, earlier), run)
    await run_pipeline(to_ask_again(run), run)
    contacts = await run.stop.unless_asked(run.source.contacts())
    await run.store.transaction(_finish, contact_rows(contacts), run)


def _finish(connection: Connection, persons: Rows, run: Run) -> None:
    write(connection, persons)
    move_cursor(connection, run.account_id, run.run_id, *run.start)


async def _lists(run: Run, window: Window) -> AsyncIterator[Listed]:
    """Lists rejected tasks, the inbox, and the tasks active in the window."""
    yield await rejected(run)
    async for part in inbox(run):
        yield part
    async for part in _active(run, window):
        yield part


async def _active(run: Run, window: Window) -> AsyncIterator[Listed]:
    """Lists the tasks active in the window."""
    async for listing in listings(run.source.search, [window], run.source.search_sizes):
        yield Listed(listing.tasks)
