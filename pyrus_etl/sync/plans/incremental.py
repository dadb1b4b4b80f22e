"""What changed since the cursor: the incremental plan, and the end of a backfill."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from pyrus_etl.extract.v3.windows import Window, listings
from pyrus_etl.load.batch import write
from pyrus_etl.load.cursors import move_cursor
from pyrus_etl.normalize.person import contact_rows
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.rows import Rows
from pyrus_etl.sync.lists import inbox, rejected, to_ask_again
from pyrus_etl.sync.pipeline import run_pipeline
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.since import since
from pyrus_etl.sync.tasks import Listed


async def catch_up(run: Run, cursor: datetime) -> None:
    """Loads everything that changed since the cursor, then moves the cursor to the start of the run.

    The window has no end: a change that comes while it is listed is either listed or left to the next run. If later
    answers show that the clock of the first ones was wrong, this lists the tasks again from an earlier start.
    """
    start, window = run.session.start, await since(run, cursor)
    await run_pipeline(_lists(run, window), run)
    if run.session.start != start and (earlier := await since(run, cursor)) != window:
        await run_pipeline(_active(run, earlier), run)
    await run_pipeline(to_ask_again(run), run)
    session = run.session
    contacts = contact_rows(await run.stop.unless_asked(session.source.contacts()))
    await session.store.transaction(_finish, contacts, session.account_id, session.run_id, *session.start)


def _finish(
    connection: Connection, persons: Rows, account_id: int, run_id: UUID, start: datetime, ahead_seconds: float
) -> None:
    write(connection, persons)
    move_cursor(connection, account_id, run_id, start, ahead_seconds)


async def _lists(run: Run, window: Window) -> AsyncIterator[Listed]:
    """Lists rejected tasks, the inbox, and the tasks active in the window."""
    yield await rejected(run)
    async for part in inbox(run):
        yield part
    async for part in _active(run, window):
        yield part


async def _active(run: Run, window: Window) -> AsyncIterator[Listed]:
    """Lists the tasks active in the window."""
    async for listing in listings(run.session.source.search, [window], run.session.source.search_sizes):
        yield Listed(listing.tasks)
