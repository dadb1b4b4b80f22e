"""Where a sync starts: at the cursor minus the overlap, unless the clocks contradict the cursor."""

import logging
from datetime import datetime, timedelta

from pyrus_etl.load.operation.runs import greatest_lag, last_duration
from pyrus_etl.load.progress.backfills import last_backfill
from pyrus_etl.load.progress.cursors import trusted_start
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.window import Window
from pyrus_etl.sync.plan import Run

log = logging.getLogger(__name__)

CLOCKS_VARY = timedelta(minutes=1)
"""How far the clocks may drift apart between two runs, even if the overlap is shorter."""


async def since(run: Run, cursor: datetime) -> Window:
    """Returns the period to ask for changes in; it has no end.

    The overlap is at least as long as the last run took, and twice the greatest lag of registers seen lately. If the
    server's clock was wrong when the cursor was taken, the period starts at the last run start that both clocks agree
    on. If there is none, it starts where the period of the last backfill starts.
    """
    store, account_id = run.session.store, run.session.account_id
    now = run.session.source.start
    most_ahead = (now.ahead + max(run.overlap, CLOCKS_VARY)).total_seconds()
    start = await store.query(trusted_start, account_id, cursor, now.server, most_ahead)
    if start != cursor:
        log.warning(
            "the cursor %s does not agree with the clocks (Pyrus's clock shows %s): fetching everything that changed%s",
            _shown(cursor),
            _shown(now.server),
            f" since {_shown(start)}, the last run start that they agree on"
            if start
            else "; no earlier run start fits them",
        )
    if start is None:
        backfill = await store.query(last_backfill, account_id, TASKS)
        return Window(start=backfill.from_second if backfill else None)
    return Window(start=int((start - await overlap(run)).timestamp()) - 1)


async def overlap(run: Run) -> timedelta:
    """How long after a change the lists may not show it, as far as earlier runs tell; see `since`."""
    store, account_id = run.session.store, run.session.account_id
    duration = await store.query(last_duration, account_id)
    lag = await store.query(greatest_lag, account_id)
    return max(run.overlap, timedelta(seconds=max(duration, 2 * lag)))


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S %Z}"
