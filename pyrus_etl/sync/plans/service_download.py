"""The same for files at other services, which `files sync` has listed: their contents below URL/SERVICE."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from pyrus_etl.errors import BudgetSpent
from pyrus_etl.files.store import FileStore, open_store
from pyrus_etl.load.files.outcomes import Ended
from pyrus_etl.load.files.service_contents import ServiceListed, not_stored, waiting
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.schema.counts import Counts
from pyrus_etl.schema.service import service_file_contents
from pyrus_etl.sync.files.arrivals import Arrivals
from pyrus_etl.sync.files.contents import fetch, limits_for, path_of
from pyrus_etl.sync.flow import Work, flow
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.plans.download import commit
from pyrus_etl.sync.result import DOWNLOAD

PAGE = 500
"""Files that are announced together."""


class Wanted(NamedTuple):
    """The service, and which of its files to fetch; None means no limit."""

    service: str
    since: datetime | None = None
    most_bytes: int | None = None


def download_from(wanted: Wanted, target: str, *, may_create_parents: bool = False) -> Plan:
    """The plan that stores contents below a target, each soon committed, as `download` does."""
    return Plan(DOWNLOAD, partial(_download, wanted=wanted, target=target, may_create_parents=may_create_parents))


async def _download(run: Run, wanted: Wanted, target: str, *, may_create_parents: bool) -> None:
    async with open_store(target, may_create_parents=may_create_parents) as store:
        arrivals = Arrivals(run.session, store)
        await arrivals.clear()  # the lock of the service is held, and the target is its own
        await store.remove_unfinished()
        files = await run.session.store.query(waiting, wanted.service, target, wanted.since, wanted.most_bytes)
        skipped = await run.session.store.query(not_stored, wanted.service, target) - len(files)
        run.ledger.count(Counts(files_listed=len(files), files_skipped=skipped))
        progress = run.ledger.progress
        progress.what, progress.tasks_wanted = "files", len(files)
        progress.bytes_wanted = sum(file.size_bytes or 0 for file in files)
        work = Work(
            choose=_each(files, arrivals),
            fetch=partial(_fetch, run=run, store=store, arrivals=arrivals, wanted=wanted),
            load=partial(commit, run=run, arrivals=arrivals, table=service_file_contents),
            size=lambda _: 0,
            last=BudgetSpent,
        )
        try:
            await flow(work, limits_for(run.limits), run.stop.asked)
        finally:
            await arrivals.end()
            await store.remove_abandoned()
    run.stop.check()


async def _each(files: Sequence[ServiceListed], arrivals: Arrivals) -> AsyncIterator[ServiceListed]:
    for first in range(0, len(files), PAGE):
        page = files[first : first + PAGE]
        await arrivals.announce(path_of(file.file_id, file.name) for file in page)
        for file in page:
            yield file


async def _fetch(file: ServiceListed, run: Run, store: FileStore, arrivals: Arrivals, wanted: Wanted) -> Ended | None:
    asked = ServiceFile(
        service=wanted.service,
        file_id=file.file_id,
        name=file.name,
        size_bytes=file.size_bytes,
        download_url=file.download_url,
    )
    path = path_of(file.file_id, file.name)
    arrivals.begin(path)
    found = await fetch(asked, path, run, store, wanted.most_bytes)
    return found and Ended((wanted.service, file.file_id), found, path)
