"""The mirror plan: copies the attachments of tasks to the same tasks at another service, each file once."""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial

from pyrus_etl.errors import FileRefused, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.extract.files.services import client_for, opened
from pyrus_etl.load.files.copies import (
    Link,
    Wanted,
    adopt,
    copies_at,
    fail,
    has_links,
    links,
    links_of_unknown_tasks,
    wanted,
)
from pyrus_etl.model.place import PYRUS, Place
from pyrus_etl.postgres.store import Store
from pyrus_etl.schema.counts import Counts
from pyrus_etl.settings import Settings
from pyrus_etl.sync.files.copying import Route, copied
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.result import MIRROR

log = logging.getLogger(__name__)

PLACES_AT_ONCE = 4
"""Places to which files are copied side by side; at one place they follow one another."""
MOST_NAMED = 10
"""Tasks that a warning names."""


def mirror(service: str, settings: Settings) -> Plan:
    """The plan that copies to a service; raises SettingsError if a setting of the service is missing."""
    if service == PYRUS:
        raise SettingsError("files mirror copies from Pyrus to another service; name paymo or onlyoffice.")
    client_for(service, settings)
    return Plan(MIRROR, partial(_mirror, service, settings))


async def _mirror(service: str, settings: Settings, run: Run) -> None:
    session = run.session
    todo = await session.store.query(links, service)
    files = sum(link.files for link in todo)
    run.ledger.count(Counts(files_listed=files))
    run.ledger.progress.what, run.ledger.progress.tasks_wanted = "files", files
    await _warn_of_links(session.store, service)
    if not todo:
        return
    async with opened(service, settings) as target:
        route = Route(session.source.files, target, session.store, settings.waits.settle)
        mirroring = _Mirroring(run, route, todo)
        await asyncio.gather(*(mirroring.work() for _ in range(PLACES_AT_ONCE)))
    mirroring.end()


async def _warn_of_links(store: Store, service: str) -> None:
    """Says if external_tasks links no task, or tasks that are not stored."""
    if not await store.query(has_links, service):
        log.warning("no task is linked to %s; say in pyrus.external_tasks which task is which there", service)
    if unknown := await store.query(links_of_unknown_tasks, service):
        more = f" and {len(unknown) - MOST_NAMED} more" if unknown[MOST_NAMED:] else ""
        log.warning(
            "pyrus.external_tasks links tasks to %s that are not stored, so nothing of them is copied: %s%s; correct "
            "them, or run pyrus-etl sync",
            service,
            ", ".join(map(str, unknown[:MOST_NAMED])),
            more,
        )


class _Mirroring:
    """The workers of a mirror take place after place; if one fails, the others end after their file."""

    def __init__(self, run: Run, route: Route, todo: Iterable[Link]) -> None:
        self._run = run
        self._route = route
        self._todo = iter(todo)
        self._error: PyrusEtlError | None = None

    async def work(self) -> None:
        for link in self._todo:
            try:
                await self._copy_to_place(link)
            except PyrusEtlError as error:
                self._error = self._error or error
            if self._error:
                return

    def end(self) -> None:
        """Raises the error that ended the work."""
        if self._error:
            raise self._error

    async def _copy_to_place(self, link: Link) -> None:
        service, store = self._route.target.name, self._route.store
        todo = await store.query(wanted, service, link)
        try:
            there = await self._route.target.traces(Place(service, "task", str(link.external_task_id)), fresh=False)
        except (FileRefused, PyrusUnreachable) as error:
            await self._route.target.check()  # raises if the whole service is failing, and not only this place
            log.warning("the files of %s are not copied (%d): %s", _tasks(link), len(todo), error)
            for each in todo:
                await store.transaction(fail, service, each, str(error))
                self._count(each, is_copied=False)
            return
        copies = await store.query(copies_at, service, link.external_task_id)
        for each in todo:
            self._run.stop.check()
            if self._error:
                return
            if file_id := copies.get(each.attachment_id):  # another task has the same file, and the same place
                await store.transaction(adopt, service, each, file_id)
            elif file_id := await copied(self._route, each, there):
                copies[each.attachment_id] = file_id
            self._count(each, is_copied=file_id is not None)

    def _count(self, copy: Wanted, *, is_copied: bool) -> None:
        ledger = self._run.ledger
        ledger.progress.tasks_done += 1
        size = copy.size_bytes or 0
        ledger.count(Counts(files_copied=1, bytes=size) if is_copied else Counts(files_failed=1))


def _tasks(link: Link) -> str:
    return ("tasks " if link.task_ids[1:] else "task ") + ", ".join(map(str, link.task_ids))
