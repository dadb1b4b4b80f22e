"""The reconcile plan: a complete census of the tasks that the account can see, compared with the stored ones.

Dates cannot show that a task is deleted, that access to it was granted later, or that a change set its date back. The
census shows all three. If nothing differs, it costs only the requests for the lists.
"""

import logging
from collections.abc import AsyncIterator, Iterable
from enum import Enum, auto
from functools import partial
from typing import Literal

from pyrus_etl.errors import CensusDoubted, TaskRefused
from pyrus_etl.extract.pages import Census
from pyrus_etl.load.directory.seen import unseen_forms
from pyrus_etl.load.tasks.presence import AbsentTasks, absentees, mark_deleted
from pyrus_etl.load.tasks.watched import note_asked, unwatch
from pyrus_etl.model.body import Fetched
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.listing.lists import inbox, rejected, tasks, to_ask_again
from pyrus_etl.sync.listing.lost import note_lost_forms
from pyrus_etl.sync.listing.since import overlap
from pyrus_etl.sync.listing.streams import FIRST, read_streams
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.plans.incremental import finish
from pyrus_etl.sync.stages import together
from pyrus_etl.sync.tasks.pipeline import check_server, run_pipeline
from pyrus_etl.sync.tasks.task import Listed

log = logging.getLogger(__name__)

MAX_DELETED = 0.2
CONFIRMED_AT_ONCE = 500


class Gone(Enum):
    """What Pyrus says of a task that the account cannot see."""

    GONE = auto()


GONE = Gone.GONE


def reconcile(max_deleted: float = MAX_DELETED, *, force: bool = False) -> Plan:
    """The plan that fetches missed tasks, marks tasks as deleted that are gone, and unmarks those that came back.

    A task is marked only if every list was read to its end without it and Pyrus also refuses it by id. Marking and
    unmarking is one transaction, and no rows are deleted. If more than the share `max_deleted` of the stored tasks is
    absent, marks nothing and raises CensusDoubted, unless `force`.
    """
    return Plan("reconcile", partial(_reconcile, max_deleted=max_deleted, force=force))


async def _reconcile(run: Run, max_deleted: float, *, force: bool) -> None:
    await read_streams(run, FIRST)
    census: set[int] = set()
    await run_pipeline(_with_census(_lists(run, census), census), run)
    await note_lost_forms(run)
    absent, share, late = await _absent(run, census)
    if share > max_deleted and not force:
        raise CensusDoubted(
            f"{len(absent)} tasks, {share:.1%} of the stored ones, are absent from Pyrus's lists "
            f"(limit {max_deleted:.1%}): nothing is marked as deleted. If that many tasks are really gone, repeat with "
            "--force or a higher --max-deleted."
        )
    gone: set[int] = set()
    for first in range(0, len(absent), CONFIRMED_AT_ONCE):
        existing = await _confirmed(run, absent[first : first + CONFIRMED_AT_ONCE], gone)
        await run_pipeline(_listed(existing), run, {id_: each for id_, each in existing.items() if each})
    await run_pipeline(to_ask_again(run), run)
    session = run.session
    gone -= run.ledger.hinted  # whatever a hint made us fetch since is left to the next census
    deleted = await session.store.transaction(_finish, session.account_id, census, gone, set(absent) - gone, late)
    run.ledger.count(Counts(tasks_deleted=deleted))
    await finish(run)


async def _absent(run: Run, census: set[int]) -> AbsentTasks:
    """The tasks that the census does not have; not those of forms and lists that it could not read."""
    session = run.session
    unseen = set(await session.store.query(unseen_forms, session.account_id))

    def is_listed(form_id: int | None) -> bool:
        if form_id is None:
            return run.lists.is_everything
        return form_id not in unseen and run.forms.has(form_id)

    refused = run.ledger.feeds.refused_ids("list")
    shown = session.source.start.server - await overlap(run) if session.source.has_feeds else None
    return await session.store.query(absentees, session.account_id, census, is_listed, refused, shown)


def _finish(
    connection: Connection, account_id: int, census: set[int], gone: set[int], existing: set[int], late: set[int]
) -> int:
    """Marks what is gone and unmarks what is there.

    What exists although no list shows it is watched from now on, except for what the lists may not show yet.
    """
    unwatch(connection, account_id, census | gone)
    note_asked(connection, account_id, existing - late)
    return mark_deleted(connection, account_id, gone, census | existing)


async def _lists(run: Run, census: set[int]) -> AsyncIterator[Listed]:
    """Reads every list; then lists the rejected tasks that are among them, because every run retries them."""
    retried = await rejected(run)
    async for part in inbox(run):
        yield part
    async for part in tasks(run, Census()):
        yield part
    yield Listed([task for task in retried.tasks if task.id in census])


async def _with_census(lists: AsyncIterator[Listed], census: set[int]) -> AsyncIterator[Listed]:
    async for listed in lists:
        census.update(task.id for task in listed.tasks)
        yield listed


async def _listed(task_ids: Iterable[int]) -> AsyncIterator[Listed]:
    yield Listed([TaskHeader(task_id) for task_id in task_ids])


async def _confirmed(run: Run, absent: list[int], gone: set[int]) -> dict[int, Fetched | None]:
    """Asks for absent tasks; returns those that exist after all, None if unreadable, and adds the others to `gone`."""
    existing: dict[int, Fetched | None] = {}
    waiting = iter(absent)

    async def ask() -> None:
        for task_id in waiting:
            found = await _ask(run, task_id)
            if found is GONE:
                gone.add(task_id)
            else:
                existing[task_id] = found

    await run.stop.unless_asked(together(*(ask() for _ in range(run.limits.fetchers))))
    return existing


async def _ask(run: Run, task_id: int) -> Fetched | Literal[Gone.GONE] | None:
    """The task; GONE if Pyrus refuses it, None if it exists and is unreadable."""
    try:
        found = await run.session.source.task(task_id)
    except TaskRefused as error:
        check_server(task_id, error, run.ledger)
        return GONE if error.denied else None
    run.ledger.note_answer()
    return found
