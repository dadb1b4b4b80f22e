"""The database of the settings: a server of the user's, or the embedded one, which runs while it is used."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

from pyrus_etl.background import Background
from pyrus_etl.settings import Secret, Settings

log = logging.getLogger(__name__)


@contextmanager
def open_database(settings: Settings, port: int | None = None) -> Iterator[Secret]:
    """Yields the URL of the database in the settings.

    Without one, starts the embedded PostgreSQL for the block, and upgrades its schema and reports if another version
    created them. With `port` it also listens there on 127.0.0.1.
    """
    if settings.database_url:
        from pyrus_etl.postgres.conninfo import keep_host

        keep_host(settings.database_url)
        yield settings.database_url
        return
    from pyrus_etl.postgres.embedded import serving

    with serving(port=port) as url:
        _upgrade_if_stale(url, settings)
        yield url


def _upgrade_if_stale(url: Secret, settings: Settings) -> None:
    from pyrus_etl.load.tasks import rebuild
    from pyrus_etl.postgres.connection import connect
    from pyrus_etl.postgres.revision import is_known, revision
    from pyrus_etl.reports.definitions import are_of_this_version
    from pyrus_etl.schema.metadata import REVISION

    with connect(url) as connection:
        applied = revision(connection)
        stale = is_known(applied) and (applied != REVISION or not are_of_this_version(connection))
    if not stale:
        return
    from pyrus_etl.reports.upgrade.migrate import upgrade

    upgrade(url, locks=settings.waits.locks)
    with connect(url) as connection:
        if advice := rebuild.advice(connection):
            log.warning("the embedded database was upgraded, but %s", advice)


@asynccontextmanager
async def database_opened(settings: Settings) -> AsyncIterator[Secret]:
    """Does the same in a thread of its own, so that it does not block the event loop."""
    thread, opened = Background("database server"), ExitStack()
    try:
        yield await asyncio.wrap_future(thread.submit(lambda: opened.enter_context(open_database(settings))))
    finally:
        closed = asyncio.wrap_future(thread.submit(opened.close))
        thread.close()
        await asyncio.shield(closed)
