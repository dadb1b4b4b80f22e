"""The work after the plan of a run. If it fails, the run has not failed: its rows are committed."""

import logging
from datetime import timedelta

from pyrus_etl.errors import PyrusEtlError, Stopped
from pyrus_etl.load.operation.old import forget_old
from pyrus_etl.postgres import upkeep
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.locks import waiting_briefly
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports.wide_views import catalogue, wide
from pyrus_etl.sync.stop import Stop

log = logging.getLogger(__name__)


async def analyze(store: Store, stop: Stop) -> None:
    """Analyzes tables that changed a lot, so that the first query of the reports is as fast as the next."""
    try:
        await store.query(upkeep.flush_statistics)
        for table in await store.query(upkeep.outdated):
            if not isinstance(stop.reason, Stopped):  # stopped by a signal: the next run analyzes the rest
                await store.query(upkeep.analyze, table)
    except PyrusEtlError as error:
        log.debug("could not analyze the tables: %s", error)


async def hint(store: Store) -> None:
    """Logs how many form fields the wide views lack; logs nothing if there are no wide views."""
    try:
        if fields := await store.query(_fields_without_column):
            log.info("fields without a column: %s (run pyrus-etl reports refresh)", fields)
    except PyrusEtlError as error:
        log.debug("could not count the fields without a column: %s", error)


def _fields_without_column(connection: Connection) -> int:
    with waiting_briefly(connection):
        return catalogue.fields_without_column(connection) if wide.view_names(connection) else 0


async def forget(store: Store, keep: timedelta) -> None:
    """Removes old rows about runs."""
    try:
        await store.transaction(forget_old, keep)
    except PyrusEtlError as error:
        log.debug("could not remove old rows about runs: %s", error)
