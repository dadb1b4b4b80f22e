"""The process that stays: the schedule of runs beside a server of HTTP, until a signal."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

from pyrus_etl.errors import StoppedEarly
from pyrus_etl.extract.apis import access_of
from pyrus_etl.serve.hints import Hints
from pyrus_etl.serve.http import Address, Shown, listening, routes
from pyrus_etl.serve.page import page_at_root
from pyrus_etl.serve.schedule import Means, Schedule, keep_up
from pyrus_etl.serve.webhook import webhook
from pyrus_etl.settings import Settings
from pyrus_etl.sync.database import database_opened
from pyrus_etl.sync.login import logged_in_once
from pyrus_etl.sync.run import Watch
from pyrus_etl.sync.stop import Stop, stopped_by_signals

log = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    schedule: Schedule,
    address: Address,
    *,
    has_page: bool = True,
    stop: Stop | None = None,
    watch: Callable[[str], Watch] = lambda _: nullcontext,
    ready: Callable[[Address], None] = lambda _: None,
) -> StoppedEarly | None:
    """Serves until a signal or `stop` asks it to end; returns the reason.

    Without `stop` it handles signals, which only the main thread may do. `ready` gets the address when it listens;
    `watch` makes what watches a run, from its kind. `has_page`: shows the page. Raises SettingsError if it cannot
    listen, or if no run could use the settings.
    """
    access = logged_in_once(access_of(settings))
    access.client()  # refuses settings that no run could use
    signals = stopped_by_signals if stop is None else nullcontext
    stop = stop or Stop()
    async with AsyncExitStack() as opened:
        opened.enter_context(signals(stop))
        url = await opened.enter_async_context(database_opened(settings))
        hints, webhooks = Hints(url, access.login, settings.waits), Counter[str]()
        await opened.enter_async_context(_beside(hints.store()))
        paths = routes(Shown(url, access.login, schedule.every, settings.quota), webhooks)
        paths += [webhook(hints, settings.security_key, webhooks)]
        paths += [page_at_root(url, settings.page_password)] if has_page else []
        where = await opened.enter_async_context(listening(paths, address))
        log.info("listening on http://%s", where)
        ready(where)
        await keep_up(schedule, Means(replace(settings, database_url=url), access, hints.arrived, stop, watch))
    return stop.reason


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Does the work during the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
