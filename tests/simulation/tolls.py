"""What the servers of several accounts watch: the quota of each account, and tasks that are fetched twice."""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import web

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.sandbox.server.server import Server
from tests.simulation.administrator import Administrator
from tests.simulation.bodies import check_bodies
from tests.simulation.invariants import require
from tests.simulation.process import Process

CURRENT = """
    SELECT payload_sha256 FROM pyrus.raw_tasks WHERE task_id = %s AND NOT is_doubted
"""


class Tolls:
    """Answers in place of the sandbox's server, and counts.

    `quota`: requests per seconds, of each account, in any window. `late`: requests that may exceed it, because their
    process froze with them on their way. `excused`: tasks that may be fetched although they are stored as they are.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        quota: tuple[int, float],
        now: Callable[[], float],
        at_work: Callable[[], Process],
        administrator: Administrator,
    ) -> None:
        self.late = 0
        self.excused = set[int]()
        self.administrator = administrator
        self._sandbox, self._quota, self._now, self._at_work = sandbox, quota, now, at_work
        self._server = Server(sandbox.backend)
        self._times: dict[int, deque[float]] = defaultdict(deque)
        self.requests = 0
        self._over = Counter[int]()
        self._twice: list[str] = []
        self._served = sandbox.backend.journal.served
        setattr(sandbox.backend.journal, "served", self._note)  # noqa: B010 -- mypy

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        self._count(await self._account(request))
        return await self._server.handle(request)

    async def _account(self, request: web.BaseRequest) -> int:
        owner = self._sandbox.backend.tokens.owner(request.headers.get("Authorization", ""))
        if owner is not None:
            return owner
        found: dict[str, Any] = {}
        with suppress(msgspec.DecodeError):
            found = msgspec.json.decode(await request.read())
        login = found.get("Login") or found.get("login") or ""
        return self._sandbox.options.accounts.get(login, ACCOUNT.id)

    def _count(self, account: int) -> None:
        times, (requests, seconds), now = self._times[account], self._quota, self._now()
        while times and times[0] <= now - seconds:
            times.popleft()
        times.append(now)
        self._over[account] += len(times) > requests

    def _note(self, task_id: int) -> None:
        """A task was served: was it stored as it is, and nobody harmed the process that fetches it?"""
        self._served(task_id)
        process = self._at_work()
        process.in_hand.append((self._sandbox.world, task_id))
        if task_id in self.excused or process.is_harmed:
            return
        world = self._sandbox.world
        accounts = (ACCOUNT.id, *self._sandbox.options.accounts.values())
        digests = {hashlib.sha256(world.body(task_id, one)).hexdigest() for one in accounts}
        stored = self.administrator.database.execute(CURRENT, [task_id])
        if stored and stored[0][0] in digests:
            self._twice.append(f"{task_id} by {process.name}")

    def check(self) -> None:
        """No account exceeded its quota, no task was fetched that was stored, no older body stored over a newer one."""
        require(sum(self._over.values()) <= self.late, f"requests over the quota, by account: {dict(self._over)}")
        require(not self._twice, f"fetched although they were stored: {self._twice}")
        check_bodies(self.administrator)

    def excuse(self, tasks: Collection[int]) -> None:
        self.excused.update(tasks)
