"""The backfill plan: everything in a period, by windows that are kept as rows, so that it can be resumed."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import count

from pyrus_etl.extract.v3.windows import Window, listings
from pyrus_etl.load import backfills as kept
from pyrus_etl.load.cursors import read_cursor
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.sync.pipeline import Listed, carry, in_parts
from pyrus_etl.sync.plans.sync import catch_up, set_aside
from pyrus_etl.sync.session import Run

log = logging.getLogger(__name__)

EVERYTHING = Window()


async def sync(run: Run) -> None:
    """What changed since the last run; everything where there was none."""
    cursor = await run.store.query(read_cursor, run.account_id)
    if cursor is None:
        await backfill(run)
    else:
        await catch_up(run, cursor)


async def backfill(run: Run, period: Window = EVERYTHING, *, restart: bool = False) -> None:
    """Everything in the period, going on where an unfinished backfill of the same period stood; then up to now.

    The cursor is taken before the first window, so that the sync at the end sees what changed meanwhile.
    """
    await run.store.transaction(_begin, run, period, restart)
    await carry(_lists(run, period), run)
    cursor = await run.store.transaction(kept.finish_backfill, run.account_id)
    await catch_up(run, cursor)


def _begin(connection: Connection, run: Run, period: Window, restart: bool) -> None:
    found = kept.last_backfill(connection, run.account_id)
    if found and not found.finished_at and not restart and (found.from_second, found.to_second) == period:
        log.info("going on with the backfill that began at %s", f"{found.started_at:%Y-%m-%d %H:%M:%S %Z}")
        return
    kept.begin_backfill(connection, run.account_id, period.start, period.end, run.source.start.server)


async def _lists(run: Run, period: Window) -> AsyncIterator[Listed]:
    """What was set aside, then window by window; of the whole, also what only the list of all tasks shows."""
    yield await set_aside(run)
    numbers = defaultdict(list)
    for number, start, end in await run.store.query(kept.pending_windows, run.account_id):
        numbers[Window(start, end)].append(number)
    new_numbers = count(1 + await run.store.query(kept.last_window_no, run.account_id))
    windows = [window for window, same in numbers.items() for _ in same]
    async for listing in listings(run.source.search, windows, run.source.search_sizes):
        number = numbers[listing.window].pop()
        if listing.split:
            halves = dict(zip(new_numbers, listing.split, strict=False))
            await run.store.transaction(kept.split_window, run.account_id, number, halves)
            for half_number, half in halves.items():
                numbers[half].append(half_number)
        else:
            yield Listed(listing.tasks, number if listing.complete else None)
        run.progress.windows_listed += not listing.split
        run.progress.windows_left = sum(map(len, numbers.values()))
    if period == EVERYTHING:
        for part in in_parts((await run.source.all_tasks()).headers):
            yield part
