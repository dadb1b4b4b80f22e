"""The sync plan: a backfill at first, then what changed since the last run."""

from pyrus_etl.load.cursors import read_cursor
from pyrus_etl.sync.plans.backfill import backfill
from pyrus_etl.sync.plans.incremental import catch_up
from pyrus_etl.sync.session import Run


async def sync(run: Run) -> None:
    """Loads what changed since the last run, or everything if there is no cursor yet."""
    cursor = await run.store.query(read_cursor, run.account_id)
    if cursor is None:
        await backfill(run)
    else:
        await catch_up(run, cursor)
