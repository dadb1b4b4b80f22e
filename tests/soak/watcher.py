"""Looks at the process from outside: its memory and its answers, and how soon a change is in the tables."""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import aiohttp
import psycopg

from pyrus_etl.settings import Secret
from tests.soak.traffic import Traffic

BETWEEN_LOOKS = 5.0
BETWEEN_PROBES = 1.0
STORED = "SELECT 1 FROM pyrus.tasks WHERE task_id = %s AND extract(epoch FROM modified_date)::bigint >= %s"
LONGEST_PROBE = 1200.0


class Look(NamedTuple):
    """Memory in megabytes, at a monotonic time."""

    at: float
    megabytes: float


class Watcher:
    """`answers`: how often each path answered with each status; `slowest`: the longest time of an answer."""

    def __init__(self, pid: int, origin: str, database: Secret, traffic: Traffic) -> None:
        self.looks: list[Look] = []
        self.answers: Counter[tuple[str, int]] = Counter()
        self.slowest: Counter[str] = Counter()
        self.until_row: list[float] = []
        self._pid, self._origin, self._database, self._traffic = pid, origin, database, traffic

    async def look(self) -> None:
        """Looks until it is cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            while True:
                self.looks.append(Look(time.monotonic(), megabytes(self._pid)))
                for path in ("/healthz", "/readyz", "/metrics"):
                    began = time.monotonic()
                    status = await self._status(session, path)
                    self.answers[path, status] += 1
                    self.slowest[path] = max(self.slowest[path], round((time.monotonic() - began) * 1000))
                await asyncio.sleep(BETWEEN_LOOKS)

    async def probe(self) -> None:
        """Measures, one change after the other, the time until its row; until it is cancelled."""
        while True:
            if sent := self._traffic.last:
                self._traffic.last = None
                end = sent.at + LONGEST_PROBE
                while not await self._is_stored(sent.task_id, sent.modified) and time.monotonic() < end:
                    await asyncio.sleep(0.05)
                self.until_row.append(time.monotonic() - sent.at)
            await asyncio.sleep(BETWEEN_PROBES)

    async def _status(self, session: aiohttp.ClientSession, path: str) -> int:
        try:
            async with session.get(f"{self._origin}{path}") as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def _is_stored(self, task_id: int, modified: int) -> bool:
        try:
            async with await psycopg.AsyncConnection.connect(self._database.reveal(), autocommit=True) as connection:
                found = await connection.execute(STORED.encode(), [task_id, modified])
                return await found.fetchone() is not None
        except psycopg.OperationalError:
            await asyncio.sleep(1)
            return False


def megabytes(pid: int) -> float:
    """The memory of a process now (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
