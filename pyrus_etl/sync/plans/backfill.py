"""The backfill plan: everything in a period, by windows that are stored as rows, so that it can be resumed."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from itertools import count

from pyrus_etl.errors import ListOverfull
from pyrus_etl.extract.pages import Changed, Unfinished
from pyrus_etl.load.progress import backfills, feeds
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.model.window import EVERYTHING, Window
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.sync.listing.first_rows import read_first_rows
from pyrus_etl.sync.listing.lists import rejected, tasks
from pyrus_etl.sync.listing.streams import read_early
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.plans.incremental import catch_up
from pyrus_etl.sync.tasks.pipeline import run_pipeline
from pyrus_etl.sync.tasks.task import LARGEST_PART, Listed, in_parts

log = logging.getLogger(__name__)

ALL = 1_000_000
"""Accounts, also those that log in while this one is at work."""


def backfill(period: Window = EVERYTHING, *, restart: bool = False) -> Plan:
    """The plan that loads everything in the period, then everything that changed since the backfill began.

    Resumes an unfinished backfill of the same period unless `restart`.
    """
    return Plan("backfill", partial(fetch_period, period=period, restart=restart))


async def fetch_period(run: Run, period: Window = EVERYTHING, *, restart: bool = False) -> None:
    """Carries out a backfill.

    The cursor is taken before the first window, so the sync at the end sees everything that changed in the meantime.
    """
    store, account_id = run.session.store, run.session.account_id
    await read_early(run)
    await store.transaction(_begin, account_id, period, run.session.source.start.server, restart=restart)
    await (_fetch_feeds if run.session.source.has_feeds else _fetch_windows)(run, period)
    cursor = await store.transaction(backfills.finish_backfill, account_id, TASKS)
    await catch_up(run, cursor)


def _begin(connection: Connection, account_id: int, period: Window, start: datetime, *, restart: bool) -> None:
    if not restart and (last := backfills.unfinished(connection, account_id, TASKS, period)):
        log.info("resuming the backfill that began at %s", f"{last.started_at:%Y-%m-%d %H:%M:%S %Z}")
        return
    backfills.begin_backfill(connection, account_id, TASKS, period, start)
    feeds.begin_feeds(connection, account_id)


async def _fetch_windows(run: Run, period: Window) -> None:
    await run_pipeline(_lists(run, period), run)


async def _fetch_feeds(run: Run, period: Window) -> None:
    """First rows before full rows: what registers and lists give of every task, then the bodies, newest first.

    Tasks that have a body already are compared with the lists in the end, as a sync does.
    """
    session = run.session
    had_bodies = await session.store.query(feeds.has_bodies)
    overfull = await _first_rows(run, period)
    run.ledger.progress.tasks_waiting = await session.store.query(feeds.number_without_body, session.account_id)
    await run_pipeline(_without_body(run), run)
    if had_bodies or not run.forms.is_everything:
        await run_pipeline(tasks(run, Changed(period, may_search=False)), run)
    if overfull:
        raise overfull
    await session.store.transaction(_finish_windows, session.account_id)


async def _first_rows(run: Run, period: Window) -> ListOverfull | None:
    """Returns the error of a list that Pyrus does not list completely: the bodies of all other tasks come first."""
    try:
        await read_first_rows(run, period)
    except ListOverfull as error:
        return error
    return None


async def _without_body(run: Run) -> AsyncIterator[Listed]:
    """Lists rejected tasks, then those that have no body; of several accounts, first what the fewest of them see."""
    yield await rejected(run)
    accounts = await run.session.store.query(feeds.number_of_accounts) if run.session.shares else 0
    for seen_by in (*range(1, accounts), ALL) if run.session.shares else (None,):
        async for listed in without_body(run, seen_by):
            yield listed


async def without_body(run: Run, seen_by: int | None = None) -> AsyncIterator[Listed]:
    """Lists the tasks that are known from a register or a list only, newest first; see `feeds.without_body`."""
    session, before = run.session, None
    while found := await session.store.query(feeds.without_body, session.account_id, before, LARGEST_PART, seen_by):
        run.ledger.progress.tasks_waiting = max(0, run.ledger.progress.tasks_waiting - len(found))
        yield Listed([TaskHeader(*each) for each in found])
        task_id, date, _ = found[-1]
        before = (date, task_id) if date else ("-infinity", task_id)


def _finish_windows(connection: Connection, account_id: int) -> None:
    """A backfill by feeds reads the whole period; only one that began over an API of windows has several."""
    pending = backfills.pending_windows(connection, account_id, TASKS)
    backfills.finish_windows(connection, account_id, TASKS, [window.window_no for window in pending])


async def _lists(run: Run, period: Window) -> AsyncIterator[Listed]:
    """Lists rejected tasks, then window after window, and what belongs to no window."""
    yield await rejected(run)
    numbers = defaultdict(list)
    session = run.session
    store, account_id = session.store, session.account_id
    for number, start, end in await store.query(backfills.pending_windows, account_id, TASKS):
        numbers[Window(start, end)].append(number)
    new_numbers = count(1 + await store.query(backfills.last_window_no, account_id, TASKS))
    windows = [window for window, same in numbers.items() for _ in same]
    async for page in session.source.pages(TASKS, Unfinished(windows, whole=period == EVERYTHING)):
        checkpoint = page.checkpoint
        if checkpoint is None:
            for part in in_parts(page.items):
                yield part
            continue
        number = numbers[checkpoint.window].pop()
        if checkpoint.rest:
            halves = dict(zip(new_numbers, checkpoint.rest, strict=False))
            await store.transaction(backfills.split_window, account_id, TASKS, number, halves)
            for half_number, half in halves.items():
                numbers[half].append(half_number)
        else:
            yield Listed(list(page.items), number if checkpoint.is_complete else None)
        run.ledger.note_windows(listed=not checkpoint.rest, left=sum(map(len, numbers.values())))
