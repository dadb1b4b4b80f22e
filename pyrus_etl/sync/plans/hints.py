"""The plan that fetches the tasks that webhooks named, and any other plan with these beside it."""

import asyncio
import logging
from functools import partial

from pyrus_etl.errors import PyrusEtlError, StoppedEarly
from pyrus_etl.sync.listing.hinted import fetch_hinted
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.result import HINTS

log = logging.getLogger(__name__)

PAUSE = 5.0
"""Seconds after an error."""


def hints(arrived: asyncio.Event, over: asyncio.Event, linger: float) -> Plan:
    """The plan that fetches hinted tasks until it is `over`, or until none has come for `linger` seconds.

    So hints that come soon after each other share a run, and its login.
    """
    return Plan(HINTS, partial(fetch_hinted, arrived=arrived, over=over, linger=linger))


def with_hints(plan: Plan, arrived: asyncio.Event) -> Plan:
    """The same plan; while it is carried out, hinted tasks are fetched beside it, in its run."""

    async def carry_out(run: Run) -> None:
        over = asyncio.Event()
        beside = asyncio.create_task(_beside(run, arrived, over))
        try:
            await plan.carry_out(run)
        finally:
            over.set()
            await beside

    return plan._replace(carry_out=carry_out)


async def _beside(run: Run, arrived: asyncio.Event, over: asyncio.Event) -> None:
    """Fetches hinted tasks. What fails here does not fail the plan, which asks the same Pyrus and the same database."""
    while not over.is_set():
        try:
            await fetch_hinted(run, arrived, over)
        except StoppedEarly:
            arrived.set()
            return
        except PyrusEtlError as error:
            log.debug("hinted tasks wait: %s", error)
            arrived.set()
            try:
                await asyncio.wait_for(over.wait(), PAUSE)
            except TimeoutError:
                continue
