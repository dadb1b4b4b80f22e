"""The backfill plan: everything in a period, by windows that are stored as rows, so that it can be resumed."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from itertools import count

from pyrus_etl.extract.v3.windows import Window, listings
from pyrus_etl.load import backfills
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.sync.lists import rejected
from pyrus_etl.sync.pipeline import run_pipeline
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.plans.incremental import catch_up
from pyrus_etl.sync.tasks import Listed, in_parts

log = logging.getLogger(__name__)

EVERYTHING = Window()


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
    await store.transaction(_begin, account_id, period, run.session.source.start.server, restart=restart)
    await run_pipeline(_lists(run, period), run)
    cursor = await store.transaction(backfills.finish_backfill, account_id)
    await catch_up(run, cursor)


def _begin(connection: Connection, account_id: int, period: Window, start: datetime, *, restart: bool) -> None:
    last = backfills.last_backfill(connection, account_id)
    if last and not last.finished_at and not restart and (last.from_second, last.to_second) == period:
        log.info("resuming the backfill that began at %s", f"{last.started_at:%Y-%m-%d %H:%M:%S %Z}")
        return
    backfills.begin_backfill(connection, account_id, period.start, period.end, start)


async def _lists(run: Run, period: Window) -> AsyncIterator[Listed]:
    """Lists rejected tasks, then window after window; without a period, also the list of all tasks."""
    yield await rejected(run)
    numbers = defaultdict(list)
    for number, start, end in await run.session.store.query(backfills.pending_windows, run.session.account_id):
        numbers[Window(start, end)].append(number)
    new_numbers = count(1 + await run.session.store.query(backfills.last_window_no, run.session.account_id))
    windows = [window for window, same in numbers.items() for _ in same]
    async for listing in listings(run.session.source.search, windows, run.session.source.search_sizes):
        number = numbers[listing.window].pop()
        if listing.split:
            halves = dict(zip(new_numbers, listing.split, strict=False))
            await run.session.store.transaction(backfills.split_window, run.session.account_id, number, halves)
            for half_number, half in halves.items():
                numbers[half].append(half_number)
        else:
            yield Listed(listing.tasks, number if listing.complete else None)
        run.ledger.note_windows(listed=not listing.split, left=sum(map(len, numbers.values())))
    if period == EVERYTHING:
        for part in in_parts((await run.session.source.all_tasks()).headers):
            yield part
