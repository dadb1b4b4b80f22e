"""Several accounts share the work: each claims tasks before it fetches them, as many as its quota lets through."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence

from pyrus_etl.load.sharing.claims import Claimed, claim_listed, release_all
from pyrus_etl.sync.flow import Ready
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.tasks.task import Arrival, Wanted

AT_ONCE = 500
PAUSE, STEP = 0.5, 0.1
"""Seconds until it looks again what others have claimed, and whether the quota has room."""
WORTH_A_CLAIM = 16

Taken = AsyncIterator[Wanted | Ready[Arrival] | None]
"""None while it waits, so that the flow can end."""


class Claims:
    """The tasks that a pipeline wants, as far as no other account fetches them.

    Those that others have claimed wait here, until the others have stored them or have ended.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._held: dict[int, Wanted] = {}

    async def of(self, wanted: Sequence[Wanted]) -> Taken:
        """Those of the tasks that can be claimed; then what became of some that waited."""
        todo = [*wanted]
        while todo:
            part, todo = todo[:AT_ONCE], todo[AT_ONCE:]
            await self._wait_for_room(len(part))
            taken = await self._claim(part, self._room)
            for each in _settled(part, taken):
                yield each
            known = taken.known
            left = [each for each in part if each.task_id not in known]
            if taken.is_full:
                todo = left + todo
            else:  # others have claimed them
                self._held.update((each.task_id, each) for each in left)
            yield None
        async for one in self._look_again(AT_ONCE):
            yield one

    async def rest(self) -> Taken:
        """What became of those that still wait."""
        while self._held:
            async for each in self._look_again(len(self._held)):
                yield each
            if self._held:
                await asyncio.sleep(PAUSE)
                yield None

    async def _look_again(self, most: int) -> AsyncIterator[Wanted | Ready[Arrival]]:
        held = [*self._held.values()][:most]
        for first in range(0, len(held), AT_ONCE):
            part = held[first : first + AT_ONCE]
            taken = await self._claim(part, self._room)
            known = taken.known
            for each in part:
                del self._held[each.task_id]
                if each.task_id not in known:
                    self._held[each.task_id] = each  # after those that it has not looked at
            for one in _settled(part, taken):
                yield one

    @property
    def _room(self) -> int:
        return min(AT_ONCE, self._run.session.pace.room)

    async def _wait_for_room(self, tasks: int) -> None:
        """Waits until the quota has room for the tasks or for enough of them, but not longer than `PAUSE`."""
        enough, end = min(tasks, WORTH_A_CLAIM), time.monotonic() + PAUSE
        while self._room < enough and time.monotonic() < end:
            await asyncio.sleep(STEP)

    async def _claim(self, wanted: Sequence[Wanted], most: int) -> Claimed:
        """Claims the first of the tasks that are free; see `claim_listed`."""
        session = self._run.session
        listed = [(each.task_id, each.listed_date, each.listed_note_id) for each in wanted]
        doubted = [each.task_id for each in wanted if each.is_doubted]
        return await session.store.transaction(
            claim_listed, session.account_id, session.run_id, listed, doubted, most, lags=session.source.has_feeds
        )


def _settled(wanted: Sequence[Wanted], taken: Claimed) -> Iterator[Wanted | Ready[Arrival]]:
    """The tasks that are to be fetched, and those that stay as others have stored them."""
    for each in wanted:
        if each.task_id in taken.claimed:
            yield each
        elif each.task_id in taken.settled:
            yield Ready(Arrival(each.window_no, settled=each.task_id))


async def end_claims(run: Run) -> None:
    """Leaves to the others what this account has claimed and does not fetch any more."""
    if run.session.shares:
        await run.session.store.transaction(release_all, run.session.account_id)
