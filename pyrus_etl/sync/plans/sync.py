"""The sync plan: a backfill at first, then what changed since the last run."""

from pyrus_etl.load.progress.cursors import read_cursor
from pyrus_etl.model.stream import TASKS
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.plans.backfill import fetch_period
from pyrus_etl.sync.plans.incremental import catch_up


def sync() -> Plan:
    """The plan that loads what changed since the last run, or everything if there is no cursor yet."""
    return Plan("sync", _sync)


async def _sync(run: Run) -> None:
    cursor = await run.session.store.query(read_cursor, run.session.account_id, TASKS)
    if cursor is None:
        await fetch_period(run)
    else:
        await catch_up(run, cursor)
