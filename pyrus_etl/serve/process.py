"""The process that stays: the schedule of runs beside a server of HTTP, until a signal."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from functools import partial

from pyrus_etl.errors import StoppedEarly
from pyrus_etl.extract.apis import access_of, each_account
from pyrus_etl.run_id import of_account
from pyrus_etl.serve.aside import aside
from pyrus_etl.serve.front import Front, answering
from pyrus_etl.serve.handover import hand_over
from pyrus_etl.serve.http import Address
from pyrus_etl.serve.schedule import Means, Schedule, keep_up
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.database import database_opened
from pyrus_etl.sync.login import logged_in_once
from pyrus_etl.sync.run import Watch
from pyrus_etl.sync.stages import together
from pyrus_etl.sync.stop import Stop, stopped_by_signals

log = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    schedule: Schedule,
    address: Address,
    *,
    has_page: bool = True,
    cluster: Secret | None = None,
    stop: Stop | None = None,
    watch: Callable[[str], Watch] = lambda _: nullcontext,
    ready: Callable[[Address], None] = lambda _: None,
) -> StoppedEarly | None:
    """Serves until a signal or `stop` asks it to end; returns the reason.

    Without `stop` it handles signals, which only the main thread may do. `ready` gets the address when it listens;
    `watch` makes what watches a run, from its kind. `has_page`: shows the page. `cluster`: the URL of the
    database of a cluster whose workers do all runs. Raises SettingsError if it cannot listen, or if no run could use
    the settings.
    """
    accounts = [(each, logged_in_once(access_of(each))) for each in usable(settings)]
    for _, access in accounts:
        access.client()  # refuses settings that no run could use
    signals = stopped_by_signals if stop is None else nullcontext
    stop = stop or Stop()
    async with AsyncExitStack() as opened:
        opened.enter_context(signals(stop))
        url = await opened.enter_async_context(database_opened(settings))
        means = [Means(replace(own, database_url=url), access, _arrived(), stop, watch) for own, access in accounts]
        runs = asyncio.get_running_loop()
        front = Front(url, schedule.every, address, has_page, settings.page_password, runs)
        where = await opened.enter_async_context(aside(partial(answering, front, means)))
        log.info("listening on http://%s", where)
        ready(where)
        await together(*(_keep_up(schedule, each, cluster) for each in means))
    return stop.reason


def _arrived() -> asyncio.Event:
    """Is set when there are hints: an earlier process may have left some."""
    arrived = asyncio.Event()
    arrived.set()
    return arrived


async def _keep_up(schedule: Schedule, means: Means, cluster: Secret | None) -> None:
    """Does what is due for an account, or lets the cluster do it; its log lines name it, if there are several."""
    with of_account(means.settings.account if means.settings.has_several else None):
        await (hand_over(cluster, means) if cluster else keep_up(schedule, means))


def usable(settings: Settings) -> list[Settings]:
    """The settings of each account that can be used here; logs what is wrong with others. Raises if none can be."""
    faults = [account.fault for account in settings.accounts if account.fault]
    if faults and len(faults) == len(settings.accounts):
        raise faults[0]
    for fault in faults:
        log.error("%s", fault)
    return each_account(settings)
