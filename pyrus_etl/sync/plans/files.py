"""The files plan: a complete census of the files at another service, compared with the stored ones.

No list of a service shows what is gone, and a list of all changes would cost as many requests as one of all files, so
every run is a census: https://github.com/paymoapp/api/blob/master/sections/files.md.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from pyrus_etl.errors import FileRefused, PyrusUnreachable
from pyrus_etl.extract.files.account import FileAccount
from pyrus_etl.load.files.service_files import Absent, absent, mark_gone, write_files
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PAYMO, Place
from pyrus_etl.normalize.service_file import service_file_row
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.result import SYNC_FILES
from pyrus_etl.sync.stages import together

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
MOST_FAULTS = 3
"""If this number of projects in a row fail after all retries, the service is at fault."""


@dataclass
class Census:
    """What a run has found: ids of files, projects that were listed, and those that could not be read.

    `elsewhere`: files of a task or discussion that are in no folder of its project.
    """

    projects: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    elsewhere: dict[str, list[ServiceFile]] = field(default_factory=dict)
    faults: int = 0


def sync_files() -> Plan:
    """The plan that makes service_files equal to what a service shows; writes nothing for an unchanged file.

    Each project is committed by itself. A file is marked as deleted only after every list was read to its end, and not
    if its project was refused or failed.
    """
    return Plan(SYNC_FILES, _sync)


async def _sync(run: Run) -> None:
    account, census = account_of(run), Census()
    listed = await run.stop.unless_asked(account.projects())
    census.projects.update(listed)
    run.ledger.progress.what = "projects"
    run.ledger.progress.tasks_wanted = len(census.projects)
    waiting = iter(sorted(census.projects, key=lambda each: (len(each), each)))
    await together(*(_read_projects(run, account, waiting, census) for _ in range(run.limits.fetchers)))
    rest = {file_id: files for file_id, files in census.elsewhere.items() if file_id not in census.seen}
    await _write(run, account, rest, census)
    await _mark(run, account, census)


def account_of(run: Run) -> FileAccount:
    """The service of a run that was opened with one."""
    account = run.session.source
    assert isinstance(account, FileAccount)
    return account


async def _read_projects(run: Run, account: FileAccount, waiting: Iterator[str], census: Census) -> None:
    for project_id in waiting:
        try:
            files = await run.stop.unless_asked(_files_of(run, account, project_id))
        except (FileRefused, PyrusUnreachable) as error:
            _set_aside(run, census, project_id, error)
        else:
            census.faults = 0
            here = {file_id: found for file_id, found in files.items() if found[0].project_id}
            for file_id in files.keys() - here.keys():
                inside = [replace(file, project_id=project_id) for file in files[file_id]]
                census.elsewhere.setdefault(file_id, []).extend(inside)
            await _write(run, account, here, census)
        run.ledger.progress.tasks_done += 1


def _set_aside(run: Run, census: Census, project_id: str, error: Exception) -> None:
    """Notes a project that cannot be read; raises the error if the service as a whole seems to be at fault."""
    if isinstance(error, PyrusUnreachable):
        census.faults += 1
        if census.faults > MOST_FAULTS or census.faults == len(census.projects):
            raise error
    log.warning("project %s is set aside, and none of its files is marked as deleted: %s", project_id, error)
    census.failed.add(project_id)
    run.ledger.count(Counts(projects_failed=1))


async def _files_of(run: Run, account: FileAccount, project_id: str) -> dict[str, list[ServiceFile]]:
    """The files of a project by id, each as often as it is listed; first as its project lists it, if it does."""
    found: dict[str, list[ServiceFile]] = {}
    places = await account.places(project_id)
    waiting = iter(places)

    async def read() -> None:
        for place in waiting:
            for file in await _files_at(account, place):
                same = found.setdefault(file.file_id, [])
                same.insert(0 if file.project_id else len(same), file)

    await together(*(read() for _ in range(min(run.limits.fetchers, len(places)))))
    return found


async def _files_at(account: FileAccount, place: Place) -> list[ServiceFile]:
    """The files of a place; none if a task, discussion or folder of ONLYOFFICE is not there (any more)."""
    try:
        return [file async for file in account.files.files_at(place)]
    except FileRefused as error:
        if error.status != 404 or place.service == PAYMO:
            raise
        return []


async def _write(run: Run, account: FileAccount, files: dict[str, list[ServiceFile]], census: Census) -> None:
    """Stores files, a batch in each transaction."""
    rows = [service_file_row(found) for _, found in sorted(files.items())]
    for first in range(0, len(rows), ROWS_AT_ONCE):
        batch = rows[first : first + ROWS_AT_ONCE]
        changed = await run.session.store.transaction(write_files, account.name, batch)
        census.seen.update(row.file_id for row in batch)
        unchanged = len(batch) - changed
        run.ledger.count(Counts(files_listed=len(batch), files_changed=changed, files_unchanged=unchanged))


async def _mark(run: Run, account: FileAccount, census: Census) -> None:
    """Marks what is gone as deleted, in one transaction."""
    stored = await run.session.store.query(absent, account.name, census.seen)
    missing = [each for each in stored if each.project_id not in census.failed]
    asked = [each for each in missing if _is_to_ask(each, account, census)]
    existing = await run.stop.unless_asked(_existing(run, account, asked, census))
    gone = [each.file_id for each in missing if each.file_id not in existing]
    deleted = await run.session.store.transaction(mark_gone, account.name, gone)
    run.ledger.count(Counts(files_deleted=deleted))


def _is_to_ask(file: Absent, account: FileAccount, census: Census) -> bool:
    """Whether to ask for a file that no list showed: it may have moved meanwhile, or to a project that failed.

    The folders of ONLYOFFICE are complete, and its trash would answer too.
    """
    return bool(census.failed) or (account.name == PAYMO and file.project_id in census.projects)


async def _existing(run: Run, account: FileAccount, asked: Iterable[Absent], census: Census) -> set[str]:
    """The files that exist after all. What moved is stored; what is refused stays as it is."""
    existing: set[str] = set()
    waiting = iter(asked)

    async def ask() -> None:
        for each in waiting:
            try:
                file = await account.files.get(each.file_id)
            except FileRefused as error:
                if error.status != 404:
                    existing.add(each.file_id)
                continue
            existing.add(each.file_id)
            if file.project_id:
                await _write(run, account, {file.file_id: [file]}, census)

    await together(*(ask() for _ in range(run.limits.fetchers)))
    return existing
