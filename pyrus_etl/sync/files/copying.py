"""Copies attachments to a task of another service: each file once, whatever happens on the way.

A try is recorded before it is sent, with the files that were there already, and its result after. So after a kill, or a
lost answer, the copy is looked for before it is sent again; see "A file once" in docs/why.md.
"""

import asyncio
from typing import NamedTuple

from pyrus_etl.errors import (
    AnswerLost,
    FileRefused,
    LoginRefused,
    PyrusEtlError,
    PyrusUnreachable,
    StoppedEarly,
)
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.files.refusals import settled
from pyrus_etl.extract.files.streamed import streamed
from pyrus_etl.extract.files.uploads import left_by_upload
from pyrus_etl.load.files.copies import Wanted, begin, claimed, fail, finish, withdraw
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS, Place
from pyrus_etl.postgres.store import Store


class Route(NamedTuple):
    """From Pyrus to a service. `settle`: seconds after which it is done with a request whose answer was lost."""

    source: FileService
    target: FileService
    store: Store
    settle: float


async def copied(route: Route, wanted: Wanted, there: list[ServiceFile]) -> str | None:
    """Copies a file, and records how that ended; returns the id of the copy, if it is there now.

    `there`: the files at the place before. Raises what ends the run, after it has recorded the try.
    """
    copying = _Copying(route, wanted, there)
    try:
        return await copying.carry_out()
    except FileRefused as error:
        await copying.record_failure(error)
        return None
    except PyrusUnreachable as error:
        await copying.record_failure(error)
        await route.source.check()  # raise if a whole service is failing, and not only this file
        await route.target.check()
        return None
    except LoginRefused as error:
        await copying.record_failure(error)
        raise
    except StoppedEarly:
        await copying.withdraw()
        raise


class _Copying:
    """One file on its way."""

    def __init__(self, route: Route, wanted: Wanted, there: list[ServiceFile]) -> None:
        self._route = route
        self._contents = streamed(route.source, file_of(wanted))
        self._place = Place(route.target.name, "task", str(wanted.external_task_id))
        self._wanted = (
            wanted if wanted.attempts else wanted._replace(known=[each.file_id for each in self._alike(there)])
        )

    async def carry_out(self) -> str:
        """Sends the file until it is surely there, and returns its id; raises why it is not."""
        found = await self._left_by_earlier_run() if self._wanted.attempts else None
        if found is None:
            found = await settled(self._sent, self._left, self._route.settle)
        await self._route.store.transaction(finish, self._route.target.name, self._wanted, found.file_id)
        return found.file_id

    async def record_failure(self, error: PyrusEtlError) -> None:
        await self._route.store.transaction(fail, self._route.target.name, self._wanted, str(error))

    async def withdraw(self) -> None:
        await self._route.store.transaction(withdraw, self._route.target.name, self._wanted)

    async def _left_by_earlier_run(self) -> ServiceFile | None:
        """What an earlier try has left, once the service must be done with it."""
        await asyncio.sleep(max(0.0, self._route.settle - self._wanted.age))
        return await self._left()

    async def _left(self) -> ServiceFile | None:
        """What the tries so far have left at the place: no file that was there before, and no other copy of ours."""
        route, contents = self._route, self._contents
        alike = {each.file_id for each in self._alike(await route.target.traces(self._place))}
        ours = await route.store.query(claimed, route.target.name, alike)
        known = ours.union(self._wanted.known)
        return await left_by_upload(route.target, contents.name, contents.size, self._place, known)

    async def _sent(self) -> ServiceFile:
        """Records the try, then sends the file. A try that cannot have been applied does not count."""
        self._wanted = self._wanted._replace(attempts=self._wanted.attempts + 1)
        await self._route.store.transaction(begin, self._route.target.name, self._wanted)
        try:
            return await self._route.target.upload(self._contents, self._place)
        except AnswerLost:
            raise
        except PyrusEtlError:
            self._wanted = self._wanted._replace(attempts=self._wanted.attempts - 1)
            raise

    def _alike(self, files: list[ServiceFile]) -> list[ServiceFile]:
        """Those that may be the file, by name and size."""
        name, size = self._contents.name, self._contents.size
        return [each for each in files if self._route.target.could_be(each, name, size)]


def file_of(wanted: Wanted) -> ServiceFile:
    """The attachment as a file of Pyrus."""
    return ServiceFile(
        service=PYRUS,
        file_id=str(wanted.attachment_id),
        name=wanted.name,
        size_bytes=wanted.size_bytes,
        md5=wanted.md5_hash,
    )
