"""The push plan: sends the rows of the outbox, those of a task one after the other, and reads their tasks back.

Several accounts push side by side: each sends its own rows, and waits for theirs if they come earlier in a task.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from uuid import UUID

from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError
from pyrus_etl.extract.apis import logins
from pyrus_etl.load.outbox import waiting
from pyrus_etl.load.outbox.senders import Member, Team, team_of
from pyrus_etl.load.outbox.waiting import FIRST, Entry
from pyrus_etl.model.task import Task, TaskHeader
from pyrus_etl.model.write import COMMENT
from pyrus_etl.schema.counts import Counts
from pyrus_etl.settings import Settings
from pyrus_etl.sync.outbox.commits import Commits
from pyrus_etl.sync.outbox.outgoing import Outgoing, known_of, prepared, read
from pyrus_etl.sync.outbox.pushing import Desk, pushed
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.result import PUSH
from pyrus_etl.sync.stages import together
from pyrus_etl.sync.tasks.pipeline import run_pipeline
from pyrus_etl.sync.tasks.task import Listed

log = logging.getLogger(__name__)

AT_ONCE = 5000
"""Rows that are read from the outbox at once."""
SECONDS_BETWEEN_LOOKS = 0.25
"""While rows wait for those of another account."""


def push(folder: str | None = None, members: Sequence[Member] = ()) -> Plan:
    """The plan that sends the waiting rows. `folder`: the one whose files may be attached.

    `members`: the accounts that push side by side, if the config file names them.
    """
    return Plan(PUSH, partial(_push, folder, members))


def members_of(settings: Settings) -> tuple[Member, ...]:
    """The accounts of the settings, which push side by side."""
    return tuple(Member(name, login) for name, login in logins(settings))


async def _push(folder: str | None, members: Sequence[Member], run: Run) -> None:
    session, writer = run.session, run.session.source.writer
    assert writer is not None, "only an account at Pyrus pushes"
    desk = Desk(run, writer, Commits(session.store), asyncio.Semaphore(run.limits.fetchers), folder)
    run.ledger.progress.what = "rows"
    team = await session.store.query(team_of, members, session.account_id, session.login)
    try:
        await _push_all(desk, team)
        while await session.store.query(waiting.has_more, team, session.run_id, desk.stopped):
            await run.stop.unless_asked(asyncio.sleep(SECONDS_BETWEEN_LOOKS))
            await _push_all(desk, team, session.run_id)
    finally:
        await _count_left(run, team)


async def _push_all(desk: Desk, team: Team, untouched_by: UUID | None = None) -> None:
    """Sends the rows that are due, and reads their tasks back. `untouched_by`: see `waiting.due`."""
    run, place = desk.run, FIRST
    while entries := await run.session.store.query(waiting.due, team, place, AT_ONCE, untouched_by, desk.stopped):
        run.ledger.progress.tasks_wanted = (run.ledger.progress.tasks_wanted or 0) + len(entries)
        task_ids = await _send(desk, await _prepared(entries, desk))
        await run_pipeline(_lists(task_ids), replace(run, ledger=run.ledger.apart()))
        place = waiting.Place(entries[-1].created_at, entries[-1].outbox_id)


async def _prepared(entries: Sequence[Entry], desk: Desk) -> list[Outgoing]:
    rows = read(entries)
    known = await desk.run.session.store.query(known_of, rows)
    return [prepared(entry, each, known, desk.writer.writes, desk.folder) for entry, each in rows]


async def _send(desk: Desk, rows: Iterable[Outgoing]) -> list[int]:
    """Sends the rows; returns the tasks that were written to. The first error ends all, each after its row."""
    sending = _Sending(desk)
    await together(*(sending.chain(chain) for chain in _chains(rows)))
    if sending.error:
        raise sending.error
    desk.run.stop.check()
    return sorted(sending.task_ids)


def _chains(rows: Iterable[Outgoing]) -> list[list[Outgoing]]:
    """The rows that have to follow one another: those of a task, and new tasks that are alike.

    If both answers were lost, nobody could say which of two tasks that are alike is which.
    """
    chains: dict[object, list[Outgoing]] = {}
    for row in rows:
        entry = row.entry
        is_comment = entry.action == COMMENT
        chains.setdefault(entry.task_id if is_comment else _digest(entry), []).append(row)
    return list(chains.values())


def _digest(entry: Entry) -> bytes:
    return sha256(f"{entry.action} {entry.body}".encode()).digest()


class _Sending:
    """Chains of rows that are sent side by side."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.task_ids: set[int] = set()
        self.error: PyrusEtlError | None = None

    async def chain(self, rows: Sequence[Outgoing]) -> None:
        seen: Task | None = None
        for row in rows:
            if self.error or self._desk.run.stop.asked.is_set():
                return
            try:
                ended = await pushed(self._desk, row, seen)
            except PyrusEtlError as error:
                self.error = self.error or error
                return
            self._desk.run.ledger.progress.tasks_done += 1
            seen = ended.seen
            if ended.task_id is not None:
                self.task_ids.add(ended.task_id)
            if not ended.goes_on and row.entry.action == COMMENT:
                self._desk.stopped.add(row.entry.task_id or 0)
                return


async def _lists(task_ids: Sequence[int]) -> AsyncIterator[Listed]:
    yield Listed([TaskHeader(task_id) for task_id in task_ids], stored=True)


async def _count_left(run: Run, team: Team) -> None:
    """Counts the rows that somebody has to look at, also those of earlier runs."""
    store = run.session.store
    with suppress(DatabaseUnavailable):  # it has ended the run then
        held = await store.query(waiting.held, team)
        run.ledger.count(Counts(rows_held=held, rows_unknown=await store.query(waiting.undecided, team)))
        if others := await store.query(waiting.of_others, team):
            log.info("%d rows of the outbox wait for a push of another account, whose tasks they are about", others)
