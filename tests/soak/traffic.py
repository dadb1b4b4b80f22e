"""Changes of the world, and the webhooks about them: also repeated, forged, unreadable and about unknown tasks."""

import asyncio
import hashlib
import hmac
import time
from collections import Counter, deque
from random import Random
from typing import NamedTuple

import aiohttp
import msgspec

from pyrus_etl.sandbox import Sandbox

SHARES = {"change": 0.75, "repeated": 0.1, "late": 0.05, "forged": 0.04, "unreadable": 0.03, "unknown": 0.03}
WITHIN = aiohttp.ClientTimeout(total=60)
REMEMBERED = 1200
"""Webhooks that may be sent again: at 20 a second, those of a minute."""
PAUSES = (0.0, 61.0, 122.0)
"""Seconds before each try, https://pyrus.com/en/help/api/webhooks."""


class Sent(NamedTuple):
    """A change whose webhook was sent: the task, and its date in seconds since 1970."""

    task_id: int
    modified: int
    at: float


class Traffic:
    """`rate` webhooks a second. `answers` counts statuses by kind of webhook, `seconds` are those until the answer."""

    def __init__(self, sandbox: Sandbox, url: str, rate: float, seed: int) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.seconds: list[float] = []
        self.last: Sent | None = None
        self.changes = 0
        self._sandbox, self._world, self._rate = sandbox, sandbox.world, rate
        self._url = url
        self._dice = Random(seed)
        self._task_ids = sandbox.world.task_ids()
        self._away: set[int] = set()
        self._bodies: deque[bytes] = deque(maxlen=REMEMBERED)
        self._under_way: set[asyncio.Task[None]] = set()

    async def flow(self, seconds: float) -> None:
        began = time.monotonic()
        async with aiohttp.ClientSession(timeout=WITHIN) as session:
            for number in range(int(seconds * self._rate)):
                await asyncio.sleep(max(0.0, began + number / self._rate - time.monotonic()))
                (kind,) = self._dice.choices(list(SHARES), list(SHARES.values()))
                sending = asyncio.create_task(self._send(session, kind, self._body(kind)))
                self._under_way.add(sending)
                sending.add_done_callback(self._under_way.discard)
            await asyncio.gather(*self._under_way)

    def _body(self, kind: str) -> bytes:
        match kind:
            case "repeated" | "late" if self._bodies:
                return self._bodies[-1] if kind == "repeated" else self._bodies[0]
            case "unreadable":
                return b'{"task_id": {}'
            case "unknown":
                return msgspec.json.encode({"event": "comment", "task_id": 1 + self._dice.randrange(1000)})
            case "forged":
                return self._about(self._visible())
        return self._changed()

    def _changed(self) -> bytes:
        """Changes a task; the webhook about it."""
        task_id = self._change()
        self.changes += 1
        modified = self._world.register.modified[self._world.ordinal(task_id)] // 1000
        self.last = Sent(task_id, modified, time.monotonic())
        self._bodies.append(self._about(task_id))
        return self._bodies[-1]

    def _change(self) -> int:
        """Now and then a task is created, closed, opened again, deleted or brought back; mostly, somebody writes."""
        world, lot = self._world, self._dice.random()
        if lot < 0.04:
            (task_id,) = world.create()
            self._task_ids.append(task_id)
            return task_id
        if lot < 0.043:
            self._away.add(world.delete(self._visible()))
        elif lot < 0.045 and self._away:
            world.restore(self._away.pop())
        task_id = self._visible()
        if lot < 0.1:
            return world.close(task_id)
        return world.reopen(task_id) if lot < 0.12 else world.edit(task_id)

    def _visible(self) -> int:
        while True:
            task_id = self._dice.choice(self._task_ids)
            if task_id not in self._away and self._world.visible(self._world.ordinal(task_id)):
                return task_id

    def _about(self, task_id: int) -> bytes:
        body = {"event": "comment", "access_token": "t", "task_id": task_id, "user_id": 1, "bot_settings": ""}
        return msgspec.json.encode(body | msgspec.json.decode(self._world.v4.body(task_id)))

    async def _send(self, session: aiohttp.ClientSession, kind: str, body: bytes) -> None:
        for number, pause in enumerate(PAUSES, 1):
            await asyncio.sleep(pause)
            status = await self._status(session, kind, body, f"{number}/{len(PAUSES)}")
            self.answers[kind, status] += 1
            if 200 <= status < 300 or kind == "forged":
                return

    async def _status(self, session: aiohttp.ClientSession, kind: str, body: bytes, number: str) -> int:
        key = "forged" if kind == "forged" else self._sandbox.options.security_key
        signature = hmac.new(key.encode(), body, hashlib.sha1).hexdigest()
        began = time.monotonic()
        try:
            headers = {"X-Pyrus-Sig": signature, "X-Pyrus-Retry": number}
            async with session.post(self._url, data=body, headers=headers) as answer:
                await answer.read()
                self.seconds.append(time.monotonic() - began)
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
