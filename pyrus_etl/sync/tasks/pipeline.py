"""The pipeline: listed → changed? → fetch → decode → batch → normalize → commit.

Tasks arrive in any order; a window is done when the last of its tasks is committed. `flow` decides
what runs side by side, and within which limits; the ledger knows how far each task has come.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from operator import attrgetter
from types import MappingProxyType

from pyrus_etl.errors import BudgetSpent, PyrusEtlError, PyrusUnreachable, TaskRefused
from pyrus_etl.load.sharing.sightings import Compared, compare, note_listed
from pyrus_etl.load.tasks.rejected import Rejected
from pyrus_etl.model.body import Fetched
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.flow import Ready, Work, flow
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.sharing.claims import Claims
from pyrus_etl.sync.sharing.workers import AT_ONCE, PARTS_EACH, Arrived, Workers
from pyrus_etl.sync.tasks.commit import commit, commit_progress
from pyrus_etl.sync.tasks.ledger import Ledger
from pyrus_etl.sync.tasks.rebuild import rebuild_some
from pyrus_etl.sync.tasks.task import Arrival, Listed, Served, Wanted

MOST_SERVER_FAULTS = 30
NOTHING: Mapping[int, Fetched] = MappingProxyType({})


async def run_pipeline(lists: AsyncIterator[Listed], run: Run, at_hand: Mapping[int, Fetched] = NOTHING) -> None:
    """Loads every listed task that changed. Tasks that are `at_hand` have just been fetched.

    If an error or a signal ends it, the tasks fetched so far are committed first. Safe to repeat.
    """
    if run.workers and not at_hand:
        await _run_by_workers(lists, run, run.workers)
        return
    work = Work(
        choose=_changed(lists, run),  # listed → changed?
        fetch=partial(fetch_one, run=run, at_hand=at_hand),  # fetch → decode
        load=partial(commit, run=run),  # batch → normalize → commit
        size=attrgetter("size"),
        last=BudgetSpent,
    )
    limits = run.limits._replace(queued=1) if run.session.shares else run.limits  # what is claimed is fetched at once
    await flow(work, limits, run.stop.asked)
    run.stop.check()
    assert run.ledger.is_idle, "every chosen task is loaded, rejected or left as it is stored"


async def _run_by_workers(lists: AsyncIterator[Listed], run: Run, workers: Workers) -> None:
    """Does the same, but gives the tasks to worker processes, which fetch and commit them."""

    async def fetch(wanted: list[Wanted]) -> Arrived:
        return await workers.fetched(wanted, run.ledger.rejected_before(wanted), run.session)

    work = Work(
        choose=_in_parts(_changed(lists, run)),
        fetch=fetch,
        load=partial(commit_progress, run=run),
        size=lambda _: 0,
        last=BudgetSpent,
    )
    try:
        await flow(work, run.limits._replace(fetchers=workers.number * PARTS_EACH, queued=1), run.stop.asked)
    finally:
        with suppress(PyrusEtlError):  # the error of the flow says more
            await commit_progress([workers.late()], run)
    run.stop.check()
    assert run.ledger.is_idle, "every chosen task is committed by a worker"


async def _in_parts(
    chosen: AsyncIterator[Wanted | Ready[Arrival] | None],
) -> AsyncIterator[list[Wanted] | Ready[Arrived] | None]:
    """Gathers what is chosen; a pause ends a part too."""
    part: list[Wanted] = []
    async for each in chosen:
        if isinstance(each, Wanted):
            part.append(each)
        elif each is not None:
            yield Ready(Arrived([each.arrived], Counts()))
        if part and (each is None or len(part) == AT_ONCE):
            yield part
            part = []
        if each is None:
            yield None
    if part:
        yield part


async def _changed(lists: AsyncIterator[Listed], run: Run) -> AsyncIterator[Wanted | Ready[Arrival] | None]:
    """Yields the listed tasks that are stored with another date, or not at all; of several accounts, if none has."""
    claims = Claims(run) if run.session.shares else None
    async for listed in lists:
        chosen = run.ledger.choose(listed, await _stored(listed.tasks, run))
        for wanted in chosen if claims is None else ():
            yield wanted
        if claims:
            async for each in claims.of(chosen):
                yield each
        if not chosen and listed.window_no is not None:
            yield Ready(Arrival(listed.window_no))
    if claims:
        async for each in claims.rest():
            yield each


async def fetch_one(wanted: Wanted, run: Run, at_hand: Mapping[int, Fetched] = NOTHING) -> Arrival:
    """Fetches and decodes a task. If it cannot be fetched or read, the arrival says why."""
    try:
        await _not_beside(wanted.task_id, run.ledger)
        fetched = _at_hand(wanted, run, at_hand) or await run.session.source.task(wanted.task_id)
    except TaskRefused as error:
        return _refused(wanted, error, run.ledger)
    run.ledger.note_answer()
    if not run.reads(fetched.task):
        return Arrival(wanted.window_no, left=wanted.task_id)
    run.ledger.lag.note_body(wanted, fetched.task.last_change)
    return Arrival(wanted.window_no, served=Served(wanted, fetched), size=len(fetched.body.payload))


async def _not_beside(task_id: int, ledger: Ledger) -> None:
    """Waits while a hint makes the task be fetched: of two answers at once, the older might be stored last."""
    while task_id in ledger.beside:
        await asyncio.sleep(0.02)


def _at_hand(wanted: Wanted, run: Run, at_hand: Mapping[int, Fetched]) -> Fetched | None:
    """A body that was fetched before, unless a hint made the task be fetched again since."""
    return None if wanted.task_id in run.ledger.hinted else at_hand.get(wanted.task_id)


async def _stored(tasks: Sequence[TaskHeader], run: Run) -> Compared:
    """Compares listed tasks with the stored ones; rebuilds the rows of unchanged ones that another version made."""
    store, account_id = run.session.store, run.session.account_id
    listed = {task.id: (task.id, task.modified_date, task.last_note_id) for task in tasks}
    lags = run.session.source.has_feeds
    compared = await store.query(partial(compare, lags=lags), account_id, list(listed.values()))
    if compared.sighted:
        await store.transaction(note_listed, account_id, compared)
    if run.has_outdated_rows:
        await rebuild_some(store, run.ledger.trusted(compared.unchanged), run.form_overrides, run.privacy)
    return compared


def _refused(wanted: Wanted, error: TaskRefused, ledger: Ledger) -> Arrival:
    if error.denied and not wanted.is_listed:  # it may be deleted: only reconcile decides that
        return Arrival(wanted.window_no, left=wanted.task_id)
    check_server(wanted.task_id, error, ledger)
    payload = None if error.payload is None else _storable(error.payload.decode(errors="replace"))
    text = _storable(str(error))
    failure = Rejected(wanted.task_id, error.stage, text, payload, wanted.listed_date, denied=error.denied)
    return Arrival(wanted.window_no, failure=failure, size=len(error.payload or b""))


def check_server(task_id: int, error: TaskRefused, ledger: Ledger) -> None:
    """Raises PyrusUnreachable if the server failed to serve more than `MOST_SERVER_FAULTS` tasks in a row."""
    if error.odd and (faults := ledger.note_fault(task_id)) > MOST_SERVER_FAULTS:
        raise PyrusUnreachable(f"{faults} tasks in a row kept failing, last: {error}; try again later.") from error


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")
