"""Carries out a plan for several accounts side by side, in one process: a run, a lock and a quota for each."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext

from pyrus_etl.cli.terminal.progress import WatchFor, lines_shown
from pyrus_etl.errors import LockHeld
from pyrus_etl.run_id import of_account
from pyrus_etl.settings import Settings
from pyrus_etl.sync.flow import Limits
from pyrus_etl.sync.listing.hinted import happened
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget, run
from pyrus_etl.sync.stop import Stop, stopped_by_signals, stopped_with

SECONDS_BETWEEN_TRIES = 10.0
"""While another run holds the lock; each try asks Pyrus twice."""
WORST = (1, 143, 130, 129, 5, 2, 3, 4, 7, 6, 8)
"""Exit codes, the one that says most first: a bug, a signal, then what stops all accounts, one account, nothing."""


def worst(codes: Sequence[int]) -> int:
    """The exit code of a command whose accounts ended with these."""
    return min(codes, key=lambda code: WORST.index(code) if code in WORST else len(WORST), default=0)


def all_carried_out(
    plan: Plan, accounts: Sequence[Settings], budget: Budget, patience: float, limits: Limits, *, is_quiet: bool
) -> list[Result]:
    """Runs a plan for each account, and returns the results in the same order; what one fails with stops no other.

    A signal stops all of them. Each has the whole `budget`, and waits for its lock within `patience` seconds. A bug is
    raised when all have ended.
    """
    end = time.monotonic() + patience
    return asyncio.run(_all(plan, accounts, budget, end, limits, is_quiet=is_quiet))


async def _all(
    plan: Plan, accounts: Sequence[Settings], budget: Budget, end: float, limits: Limits, *, is_quiet: bool
) -> list[Result]:
    stop = Stop()
    shown = nullcontext(lambda _: lambda _: nullcontext()) if is_quiet else lines_shown()
    with stopped_by_signals(stop), shown as watch:
        runs = [_patiently(plan, settings, budget, end, limits, stop, watch) for settings in accounts]
        ended = await asyncio.gather(*runs, return_exceptions=True)
    for each in ended:
        if isinstance(each, BaseException):
            raise each
    return [each for each in ended if isinstance(each, Result)]


async def _patiently(
    plan: Plan, settings: Settings, budget: Budget, end: float, limits: Limits, stop: Stop, watch: WatchFor
) -> Result:
    """Runs a plan for an account; again and again while another run holds its lock, until `end`."""
    title = f"{plan.kind} {settings.account}"
    with of_account(settings.account):
        while True:
            async with stopped_with(stop) as own:
                result = await run(plan, settings, budget=budget, limits=limits, watch=watch(title), stop=own)
            left = end - time.monotonic()
            if not isinstance(result.error, LockHeld) or left <= 0 or stop.reason:
                return result
            await happened(stop.asked, within=min(SECONDS_BETWEEN_TRIES, left))
