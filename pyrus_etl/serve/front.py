"""What answers over HTTP, beside the runs: all paths, and the hints that webhooks leave.

It belongs on a loop of its own: a webhook is answered within a second, and a run may work for longer on one page of
thousands of tasks.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from pyrus_etl.serve.hints import Hints
from pyrus_etl.serve.http import Address, Shown, listening, routes
from pyrus_etl.serve.page import page_at_root
from pyrus_etl.serve.schedule import Means
from pyrus_etl.serve.webhook import Receiver, webhook
from pyrus_etl.settings import Secret


class Front(NamedTuple):
    """What is shown of which database, and where. `runs`: the loop on which the runs wait for hints."""

    url: Secret
    every: timedelta
    address: Address
    has_page: bool
    page_password: Secret | None
    runs: asyncio.AbstractEventLoop


@asynccontextmanager
async def answering(front: Front, means: Sequence[Means]) -> AsyncIterator[Address]:
    """Answers until the block ends; yields where. Raises SettingsError if it cannot listen there."""
    outcomes, receivers = Counter[str](), [_receiver(front, each) for each in means]
    quotas = {each.access.login: each.settings.quota for each in means}
    paths = [*routes(Shown(front.url, quotas, front.every), outcomes), webhook(receivers, outcomes)]
    paths += [page_at_root(front.url, front.page_password)] if front.has_page else []
    async with AsyncExitStack() as opened:
        for receiver in receivers:
            await opened.enter_async_context(_beside(receiver.hints.store()))
        yield await opened.enter_async_context(listening(paths, front.address))


def _receiver(front: Front, means: Means) -> Receiver:
    arrived = partial(front.runs.call_soon_threadsafe, means.arrived.set)
    return Receiver(Hints(front.url, means.access.login, means.settings.waits, arrived), means.settings.security_key)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Does the work during the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
