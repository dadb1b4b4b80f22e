"""The download plan: the contents of attachments that are not stored yet, those of the newest tasks first."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import Table

from pyrus_etl.errors import BudgetSpent
from pyrus_etl.files.store import FileStore, open_store
from pyrus_etl.load.files import arrivals as announced
from pyrus_etl.load.files import outcomes
from pyrus_etl.load.files.contents import Chosen, Listed, others_at_work, share, totals, waiting
from pyrus_etl.load.files.outcomes import Ended
from pyrus_etl.load.operation.runs import write_run
from pyrus_etl.load.sharing.accounts import has_others
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.attachment import attachment_contents
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.files.arrivals import Arrivals
from pyrus_etl.sync.files.contents import fetch, limits_for, path_of
from pyrus_etl.sync.flow import Work, flow
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.result import DOWNLOAD

_FIRST = ((1 << 63) - 1, (1 << 63) - 1)
Arrival = Ended | None
"""None: the file exceeds the limit on its size."""


def download(target: str, chosen: Chosen, *, may_create_parents: bool = False) -> Plan:
    """The plan that stores contents below a target; see `files.target` and `files.store`.

    A file of several tasks is fetched once. Contents are committed soon after they are stored, so a run that is killed
    repeats only what was on its way. Contents that are stored below another target stay there, and are stored below
    this one too. Of several accounts, each fetches the files of tasks that it reads.
    """
    return Plan(DOWNLOAD, partial(_download, target=target, chosen=chosen, may_create_parents=may_create_parents))


async def _download(run: Run, target: str, chosen: Chosen, *, may_create_parents: bool) -> None:
    session = run.session
    if await session.store.query(has_others, session.account_id):
        chosen = chosen._replace(account_id=session.account_id)
    async with open_store(target, may_create_parents=may_create_parents) as store:
        arrivals = Arrivals(session, store)
        await _alone(run, arrivals.clear)
        await _alone(run, store.remove_unfinished)
        await session.store.transaction(share)
        await _note_totals(run, target, chosen)
        try:
            work = Work(
                choose=_waiting(run, target, chosen, arrivals),
                fetch=partial(_fetch, run=run, store=store, arrivals=arrivals, most_bytes=chosen.most_bytes),
                load=partial(commit, run=run, arrivals=arrivals, table=attachment_contents),
                size=lambda _: 0,
                last=BudgetSpent,
            )
            await flow(work, limits_for(run.limits), run.stop.asked)
        finally:
            await session.store.transaction(share)
            await arrivals.end()
            await _alone(run, store.remove_abandoned)
    run.stop.check()


async def _alone(run: Run, work: Callable[[], Awaitable[None]]) -> None:
    """Does the work unless a run of another account may be storing files too."""
    if not await run.session.store.query(others_at_work, run.session.account_id):
        await work()


async def _note_totals(run: Run, target: str, chosen: Chosen) -> None:
    found, progress = await run.session.store.query(totals, target, chosen), run.ledger.progress
    run.ledger.count(Counts(files_listed=found.files, files_skipped=found.skipped))
    progress.what, progress.tasks_wanted, progress.bytes_wanted = "files", found.files, found.bytes


async def _waiting(run: Run, target: str, chosen: Chosen, arrivals: Arrivals) -> AsyncIterator[Listed]:
    seen: set[int] = set()
    before = _FIRST
    while page := await run.session.store.query(waiting, target, chosen, before):
        await arrivals.announce(path_of(file.attachment_id, file.name) for file in page)
        for file in page:
            if file.attachment_id not in seen:
                seen.add(file.attachment_id)
                yield file
        before = (page[-1].task_id, page[-1].attachment_id)


async def _fetch(file: Listed, run: Run, store: FileStore, arrivals: Arrivals, most_bytes: int | None) -> Arrival:
    asked = ServiceFile(
        service=PYRUS,
        file_id=str(file.attachment_id),
        name=file.name,
        size_bytes=file.size_bytes,
        md5=file.md5_hash,
        download_url=file.download_url,
    )
    path = path_of(file.attachment_id, file.name)
    arrivals.begin(path)
    found = await fetch(asked, path, run, store, most_bytes)
    return found and Ended((file.task_id, file.attachment_id), found, path)


async def commit(arrived: Sequence[Arrival], run: Run, arrivals: Arrivals, table: Table) -> None:
    """Commits what became of files, with the counts of the run. None is a file that is too large."""
    ended = [each for each in arrived if each]
    found, too_large = Counter(f"files_{each.outcome.status}" for each in ended), len(arrived) - len(ended)
    size = sum(each.outcome.size_bytes or 0 for each in ended)
    counted = Counts(**found, bytes=size) + Counts(files_skipped=too_large, files_listed=-too_large)
    counts = run.ledger.counts(run.session.source) + counted
    await run.session.store.transaction(_write, run.session.run_id, table, ended, counts)
    arrivals.recorded(ended)
    run.ledger.count(counted)
    run.ledger.progress.tasks_done += len(arrived)
    run.ledger.progress.bytes_done += size


def _write(
    connection: Connection,
    run_id: UUID,
    table: Table,
    ended: Sequence[Ended],
    counts: Counts,
) -> None:
    outcomes.write(connection, table, ended)
    announced.forget(connection, run_id, [each.path for each in ended])
    write_run(connection, run_id, counts.as_columns())
