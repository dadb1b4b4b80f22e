"""The webhooks of the organisation's bot: https://pyrus.com/en/help/api/webhooks.

Each change of a task that the bot can see is sent to a URL, signed with the bot's key. Without an answer of success
within a minute, it is sent again after 61 and after 122 seconds, and then dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from pyrus_etl.sandbox.organisation.people import ACCOUNT

if TYPE_CHECKING:
    from pyrus_etl.sandbox.limits.options import Options
    from pyrus_etl.sandbox.limits.tokens import Tokens
    from pyrus_etl.sandbox.world.world import World

TIMEOUT = aiohttp.ClientTimeout(total=60)
TRIES = 3


class Webhooks:
    """Sends webhooks during `sending`. `statuses` counts the answers by status; 0 if there was none."""

    def __init__(self, world: World, options: Options, tokens: Tokens) -> None:
        self.options = options
        self.statuses: Counter[int] = Counter()
        self._world = world
        self._tokens = tokens
        self._dice = random.Random(world.seed)
        self._token = ""
        self._under_way: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Any thread may change the world meanwhile. What is not sent at the end is dropped."""
        loop = asyncio.get_running_loop()
        self._world.watcher = lambda task_id: self._watch(loop, task_id)
        try:
            yield
        finally:
            self._world.watcher = None
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    def _watch(self, loop: asyncio.AbstractEventLoop, task_id: int) -> None:
        if self.options.webhook:
            loop.call_soon_threadsafe(self._begin, self.options.webhook, task_id)

    def _begin(self, url: str, task_id: int) -> None:
        """Begins to send a webhook; now and then, a second time."""
        if self._world.visible(self._world.ordinal(task_id)):
            for _ in range(1 + (self._dice.random() < self.options.webhook_twice)):
                sending = asyncio.create_task(self._send(url, self._body(task_id)))
                self._under_way.add(sending)
                sending.add_done_callback(self._under_way.discard)

    def _body(self, task_id: int) -> bytes:
        """What Pyrus says about a change; the task as it is when the webhook is sent for the first time."""
        self._token = self._token or self._tokens.issue(ACCOUNT.id)
        body = {"event": "comment", "access_token": self._token, "task_id": task_id, "user_id": ACCOUNT.id}
        return msgspec.json.encode(body | {"bot_settings": ""} | msgspec.json.decode(self._world.v4.body(task_id)))

    async def _send(self, url: str, body: bytes) -> None:
        for number in range(TRIES):
            await asyncio.sleep(number * self.options.webhook_again)
            status = await self._status(url, body, f"{number + 1}/{TRIES}")
            self.statuses[status] += 1
            if 200 <= status < 300:
                return

    async def _status(self, url: str, body: bytes, number: str) -> int:
        signature = hmac.new(self.options.security_key.encode(), body, hashlib.sha1).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Pyrus-Bot-4",
            "X-Pyrus-Sig": signature,
            "X-Pyrus-Retry": number,
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.post(url, data=body, headers=headers) as it,
            ):
                await it.read()
                return it.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
