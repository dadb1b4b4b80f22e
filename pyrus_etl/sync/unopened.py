"""The row of a run that failed before it could open its own, as at another revision of the schema."""

import asyncio
import logging

import psycopg

from pyrus_etl.background import in_background
from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.load.operation.runs import add_ended_run
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.lease import briefly
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.result import Result

log = logging.getLogger(__name__)


async def record_unopened(settings: Settings, result: Result, login: str | None) -> None:
    """Writes the row of a run that has ended without one, if the database lets us. Raises nothing.

    Waits for no lock: an upgrade of the schema holds its locks for long.
    """
    url = settings.database_url
    if url is None or getattr(result.error, "is_lost", False):
        return
    written = in_background(lambda: _write(url, settings.waits.connect_database, result, login), "the row of the run")
    try:
        await asyncio.wrap_future(written)
    except (PyrusEtlError, psycopg.Error) as error:  # the table may be another version's
        log.debug("the run could not be recorded: %s", error)


def _write(url: Secret, within: float, result: Result, login: str | None) -> None:
    with connect(url, within) as connection, connection.transaction():
        briefly(connection, wait="1s")
        add_ended_run(connection, result.run_id, {"login": login, **result.as_row()})
