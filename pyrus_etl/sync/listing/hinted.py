"""Tasks that webhooks named: each is fetched at once, in a run of its own or beside the plan of a longer one.

A hint only says which task to ask for. It stays in its table until the answer is committed, so a killed process loses
none.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

from pyrus_etl.load.progress import hints
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.tasks.ledger import Ledger
from pyrus_etl.sync.tasks.pipeline import run_pipeline
from pyrus_etl.sync.tasks.task import Listed

AT_ONCE = 500
MOST_SEEN = 10_000
SOON = 0.5
"""Seconds until a task that the plan was fetching is looked at again."""


async def fetch_hinted(run: Run, arrived: asyncio.Event, over: asyncio.Event, linger: float | None = None) -> None:
    """Fetches hinted tasks until it is `over`; if `linger` is given, until none came for that number of seconds.

    `arrived` is set when there may be new hints.
    """
    ends = (over, run.stop.asked)
    while True:
        arrived.clear()
        are_left = await _fetch_waiting(run)
        more = await happened(arrived, *ends, within=SOON if are_left else linger)
        if any(end.is_set() for end in ends) or not (more or are_left):
            break
    if are_left:
        arrived.set()


async def _fetch_waiting(run: Run) -> bool:
    """Fetches the tasks of the waiting hints; returns whether hints are left.

    The answer that the plan is waiting for may be older than a hint, so the hint waits until it has come.
    """
    store, login = run.session.store, run.session.login or ""
    found = await store.query(hints.waiting, login, MOST_SEEN)
    now = [hint for hint in found if not run.ledger.is_in_flight(hint.task_id)][:AT_ONCE]
    if now:
        with _beside(run.ledger, [hint.task_id for hint in now]) as task_ids:
            session = replace(run.session, shares=False)  # a hint cannot wait for others
            alone = replace(run, session=session, ledger=run.ledger.apart(), workers=None)
            await run_pipeline(_lists(task_ids, run), alone)
        await store.transaction(hints.followed, run.session.account_id, login, now)
    return len(now) < len(found)


@contextmanager
def _beside(ledger: Ledger, task_ids: list[int]) -> Iterator[list[int]]:
    """The plan does not fetch these tasks during the block."""
    ledger.beside.update(task_ids)
    ledger.hinted.update(task_ids)
    try:
        yield task_ids
    finally:
        ledger.beside.difference_update(task_ids)


async def _lists(task_ids: list[int], run: Run) -> AsyncIterator[Listed]:
    """If only some forms and lists are read, nothing says yet whether a new task is in them: the next sync finds it."""
    known = await run.session.store.query(hints.stored, task_ids) if run.is_selected else task_ids
    yield Listed([TaskHeader(task_id) for task_id in known], stored=True)


async def happened(*events: asyncio.Event, within: float | None = None) -> bool:
    """Waits until one of the events is set, at most for `within` seconds; returns whether one is."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    return bool(done)
