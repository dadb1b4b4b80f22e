"""What a run stores and has not recorded yet: announced before, so that the next run finds what a kill left."""

import asyncio
from collections.abc import Iterable

from pyrus_etl.files.store import FileStore
from pyrus_etl.files.target import uri_of
from pyrus_etl.load.files import arrivals
from pyrus_etl.load.files.outcomes import Ended
from pyrus_etl.sync.session import Session

DELETIONS_AT_ONCE = 16


class Arrivals:
    """The arrivals of a run below the target of a store."""

    def __init__(self, session: Session, store: FileStore) -> None:
        self._session, self._files = session, store
        self._begun: set[str] = set()

    async def clear(self) -> None:
        """Deletes contents that killed runs stored and did not record; no other run may be storing files here.

        Nobody else would ever delete them if their attachments have vanished since; the others are fetched again.
        """
        database, target = self._session.store, self._files.target
        uris = {uri_of(target, path): path for path in await database.query(arrivals.unrecorded, target)}
        if not uris:
            return
        await self._delete(uris.keys() - await database.query(arrivals.recorded, list(uris)), uris)
        await database.transaction(arrivals.forget_all, target)

    async def announce(self, paths: Iterable[str]) -> None:
        """Commits what is about to be stored."""
        await self._session.store.transaction(
            arrivals.announce, self._session.run_id, self._files.target, sorted(set(paths))
        )

    def begin(self, path: str) -> None:
        """A file is on its way to the store."""
        self._begun.add(path)

    def recorded(self, ended: Iterable[Ended]) -> None:
        """The rows of these files are committed."""
        self._begun.difference_update(each.path for each in ended)

    async def end(self) -> None:
        """Forgets what was announced and not begun; what was begun stays for the next run to look at."""
        await self._session.store.transaction(arrivals.forget_rest, self._session.run_id, self._begun)

    async def _delete(self, unrecorded: Iterable[str], uris: dict[str, str]) -> None:
        waiting = iter([uris[uri] for uri in unrecorded])

        async def work() -> None:
            for path in waiting:
                await self._files.delete(path)

        await asyncio.gather(*(work() for _ in range(DELETIONS_AT_ONCE)))
