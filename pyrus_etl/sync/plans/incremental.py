"""What changed since the cursor: the incremental plan, and the end of a backfill."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from pyrus_etl.extract.pages import Changed, Feed, Known
from pyrus_etl.load.operation.runs import search_was_refused, write_run
from pyrus_etl.load.progress.backfills import last_backfill
from pyrus_etl.load.progress.cursors import move_cursor
from pyrus_etl.load.progress.feeds import note_read, unread
from pyrus_etl.load.sharing.sightings import last_listed
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.window import YEAR_1, Window
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.sync.listing.lists import inbox, rejected, tasks, to_ask_again
from pyrus_etl.sync.listing.lost import note_lost_forms
from pyrus_etl.sync.listing.since import since
from pyrus_etl.sync.listing.streams import FIRST, LAST, read_streams
from pyrus_etl.sync.listing.watched import fetch_watched
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.session import Session
from pyrus_etl.sync.tasks.ledger import Ledger
from pyrus_etl.sync.tasks.pipeline import run_pipeline
from pyrus_etl.sync.tasks.task import Listed

MOST_KNOWN = 100
"""Tasks by which a search proves in each run that it lists everything."""


async def catch_up(run: Run, cursor: datetime) -> None:
    """Loads everything that changed since the cursor, then moves the cursor to the start of the run.

    The window has no end: a change that comes while it is listed is either listed or left to the next run. If later
    answers show that the clock of the first ones was wrong, this lists the tasks again from an earlier start.
    """
    await read_streams(run, FIRST)
    run.ledger.lag.cursor = cursor
    start, changed = run.session.start, await changes(run, cursor)
    run.ledger.lag.asked_from = changed.period.start
    await run_pipeline(_lists(run, changed), run)
    if run.session.start != start and (earlier := await since(run, cursor)) != changed.period:
        await run_pipeline(tasks(run, changed._replace(period=earlier)), run)
    await run_pipeline(to_ask_again(run), run)
    await fetch_watched(run)
    await read_streams(run, LAST)
    await note_lost_forms(run)
    await finish(run)


async def changes(run: Run, cursor: datetime) -> Changed:
    """The question for what changed since the cursor. Changes nothing in the database."""
    store, account_id = run.session.store, run.session.account_id
    may_search = not await store.query(search_was_refused, account_id)
    period = await since(run, cursor)
    known = await _known(run, period) if may_search else Known()
    return Changed(period, may_search, await _periods(run), known)


async def _known(run: Run, period: Window) -> Known:
    """The tasks that changed last before the period, as far as none of the same second is left out."""
    if period.start is None or not run.session.source.has_feeds:
        return Known()
    before = datetime.fromtimestamp(max(period.start, YEAR_1), UTC)
    dates = await run.session.store.query(last_listed, run.session.account_id, before, MOST_KNOWN + 1)
    rest = dates.popitem()[1] if len(dates) > MOST_KNOWN else None
    newer = {task_id: int(date.timestamp()) for task_id, date in dates.items() if rest is None or date > rest}
    return Known(newer, min(newer.values(), default=None))


async def finish(run: Run) -> None:
    """Moves the cursor to the start of the run, which is complete, and records what it saw of the API."""
    await run.session.store.transaction(_finish, run.session, run.ledger)


def _finish(connection: Connection, session: Session, ledger: Ledger) -> None:
    note_read(connection, session.account_id, ledger.feeds.read, ledger.feeds.refused)
    move_cursor(connection, session.account_id, TASKS, session.run_id, *session.start)
    seen = {"register_lag_seconds": ledger.lag.seconds, "search_works": session.source.search_works}
    write_run(connection, session.run_id, seen)


async def _periods(run: Run) -> Mapping[Feed, Window]:
    """The period in which to list each feed that is new to the account, or has come back: that of its backfill."""
    session = run.session
    if not session.source.has_feeds:
        return {}
    backfill = await session.store.query(last_backfill, session.account_id, TASKS)
    period = Window(start=backfill.from_second if backfill else None)
    return {Feed(*key): period for key in await session.store.query(unread, session.account_id)}


async def _lists(run: Run, changed: Changed) -> AsyncIterator[Listed]:
    """Lists rejected tasks, the inbox, and the tasks that changed."""
    yield await rejected(run)
    async for part in inbox(run):
        yield part
    async for part in tasks(run, changed):
        yield part
