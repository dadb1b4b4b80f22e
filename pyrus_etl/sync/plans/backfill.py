"""The backfill plan: everything in a period, by windows that are stored as rows, so that it can be resumed."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import partial
from itertools import count

from pyrus_etl.extract.v3.windows import Window, listings
from pyrus_etl.load import backfills
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.sync.lists import Listed, in_parts, rejected
from pyrus_etl.sync.pipeline import run_pipeline
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.incremental import catch_up
from pyrus_etl.sync.session import Run

log = logging.getLogger(__name__)

EVERYTHING = Window()


def backfill(period: Window = EVERYTHING, *, restart: bool = False) -> Plan:
    """The plan that loads everything in the period, then everything that changed since the backfill began.

    Resumes an unfinished backfill of the same period unless `restart`.
    """
    return Plan("backfill", partial(fetch_period, period=period, restart=restart))


async def fetch_period(run: Run, period: Window = EVERYTHING, *, restart: bool = False) -> None:
    """Carries out a backfill.

    The cursor is taken before the first window, so
    the sync at the end sees everything that changed during the backfill.
    """
    await run.store.transaction(_begin, run, period, restart)
    await run_pipeline(_lists(run, period), run)
    cursor = await run.store.transaction(backfills.finish_backfill, run.account_id)
    await catch_up(run, cursor)


def _begin(connection: Connection, run: Run, period: Window, restart: bool) -> None:
    last = backfills.last_backfill(connection, run.account_id)
    if last and not last.finished_at and not restart and (last.from_second, last.to_second) == period:
        log.info("resuming the backfill that began at %s", f"{last.started_at:%Y-%m-%d %H:%M:%S %Z}")
        return
    backfills.begin_backfill(connection, run.account_id, period.start, period.end, run.source.start.server)


async def _lists(run: Run, period: Window) -> AsyncIterator[Listed]:
    """Lists rejected tasks, then window after window; without a period, also the list of all tasks."""
    yield await rejected(run)
    numbers = defaultdict(list)
    for number, start, end in await run.store.query(backfills.pending_windows, run.account_id):
        numbers[Window(start, end)].append(number)
    new_numbers = count(1 + await run.store.query(backfills.last_window_no, run.account_id))
    windows = [window for window, same in numbers.items() for _ in same]
    async for listing in listings(run.source.search, windows, run.source.search_sizes):
        number = numbers[listing.window].pop()
        if listing.split:
            halves = dict(zip(new_numbers, listing.split, strict=False))
            await run.store.transaction(backfills.split_window, run.account_id, number, halves)
            for half_number, half in halves.items():
                numbers[half].append(half_number)
        else:
            yield Listed(listing.tasks, number if listing.complete else None)
        run.progress.windows_listed += not listing.split
        run.progress.windows_left = sum(map(len, numbers.values()))
    if period == EVERYTHING:
        for part in in_parts((await run.source.all_tasks()).headers):
            yield part
