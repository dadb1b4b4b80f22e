"""What changed since the cursor: the incremental plan, and the end of a backfill."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from pyrus_etl.extract.pages import Census, Changed
from pyrus_etl.extract.source import Source
from pyrus_etl.load.batch import write
from pyrus_etl.load.cursors import move_cursor
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.window import Window
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.rows import Rows
from pyrus_etl.sync.lists import inbox, rejected, tasks, to_ask_again
from pyrus_etl.sync.pipeline import run_pipeline
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.since import since
from pyrus_etl.sync.streams import DIRECTORY
from pyrus_etl.sync.tasks import Listed


async def catch_up(run: Run, cursor: datetime) -> None:
    """Loads everything that changed since the cursor, then moves the cursor to the start of the run.

    The window has no end: a change that comes while it is listed is either listed or left to the next run. If later
    answers show that the clock of the first ones was wrong, this lists the tasks again from an earlier start.
    """
    start, window = run.session.start, await since(run, cursor)
    await run_pipeline(_lists(run, window), run)
    if run.session.start != start and (earlier := await since(run, cursor)) != window:
        await run_pipeline(tasks(run, Changed(earlier)), run)
    await run_pipeline(to_ask_again(run), run)
    session, directory = run.session, await run.stop.unless_asked(_directory(run.session.source))
    await session.store.transaction(_finish, directory, session.account_id, session.run_id, *session.start)


async def _directory(source: Source) -> Rows:
    """The rows of everything that tasks only refer to."""
    rows = Rows()
    for stream in DIRECTORY:
        async for page in source.pages(stream.name, Census()):
            rows.extend(map(stream.rows, page.items))
    return rows


def _finish(
    connection: Connection, directory: Rows, account_id: int, run_id: UUID, start: datetime, ahead_seconds: float
) -> None:
    write(connection, directory)
    move_cursor(connection, account_id, TASKS, run_id, start, ahead_seconds)


async def _lists(run: Run, window: Window) -> AsyncIterator[Listed]:
    """Lists rejected tasks, the inbox, and the tasks that changed in the window."""
    yield await rejected(run)
    async for part in inbox(run):
        yield part
    async for part in tasks(run, Changed(window)):
        yield part
