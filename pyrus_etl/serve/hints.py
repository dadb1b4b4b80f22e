"""From a webhook to the table of hints: many that come together are stored in one transaction.

While the database is away, hints wait in memory. The process that holds the lock fetches their tasks.
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.load.progress.hints import note_hints
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Secret, Waits

log = logging.getLogger(__name__)

MOST_IN_MEMORY = 100_000
"""Any further hints are dropped while the database is away; a sync finds the changes too, only later."""


class Hints:
    """The hints of one login. `arrived` is called when some are stored that nobody has fetched yet."""

    def __init__(self, url: Secret, login: str | None, waits: Waits, arrived: Callable[[], object]) -> None:
        self._arrived = arrived
        self._url = url
        self._login = login or ""
        self._waits = waits
        self._unstored: dict[int, None] = {}
        self._has_some = asyncio.Event()
        self._stored = asyncio.Event()

    async def take(self, task_ids: Collection[int], within: float) -> None:
        """Takes hints, and waits until they are stored, but not longer than `within` seconds."""
        if len(self._unstored) < MOST_IN_MEMORY:
            self._unstored |= dict.fromkeys(task_ids)
            self._has_some.set()
            try:
                await asyncio.wait_for(self._stored.wait(), within)
            except TimeoutError:
                log.debug("%d hints wait for the database", len(self._unstored))

    async def store(self) -> None:
        """Stores what comes, until it is cancelled. No fault of the database ends it."""
        failures = 0
        while True:
            try:
                async with Store(self._url, self._waits) as store:
                    while True:
                        await self._store_next(store)
                        failures = 0
            except Exception as error:
                failures += 1
                is_known = isinstance(error, PyrusEtlError)
                level = logging.DEBUG if is_known else logging.ERROR
                log.log(level, "hints could not be stored: %s", error, exc_info=not is_known)
                await asyncio.sleep(self._waits.soon.limit(failures))

    async def _store_next(self, store: Store) -> None:
        await self._has_some.wait()
        self._has_some.clear()
        stored, self._stored = self._stored, asyncio.Event()
        taken, self._unstored = self._unstored, {}
        try:
            await store.transaction(note_hints, self._login, list(taken))
        except BaseException:
            self._unstored = taken | self._unstored
            self._has_some.set()
            raise
        stored.set()
        self._arrived()
