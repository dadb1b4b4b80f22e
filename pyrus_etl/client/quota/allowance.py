"""The number of requests that a run may send (--max-requests)."""

import asyncio
from contextlib import suppress

from pyrus_etl.errors import BudgetSpent


class Allowance:
    """Counts requests before they wait for anything, so that a run with a spent budget does not wait at all."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._taken = 0
        self._spent = asyncio.Event()

    def take(self) -> None:
        """Counts one more request; raises BudgetSpent if none is left."""
        if self._most is not None and self._taken >= self._most:
            raise BudgetSpent(f"The budget of {self._most} requests is spent; the next run continues from here.")
        self._taken += 1
        if self._taken == self._most:
            self._spent.set()

    async def sleep(self, seconds: float) -> None:
        """Sleeps before another try; returns at once if the budget allows none."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._spent.wait(), seconds)
