"""The quota, leased: how exactly two processes keep it together, and what it costs."""

import asyncio
import json
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import count

from pyrus_etl.client.quota.leases import LARGEST
from pyrus_etl.client.quota.lending import Closed, Report
from pyrus_etl.extract.apis import access_of
from pyrus_etl.load.sharing.quotas import Share, settle
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Quota, Secret, Settings, load_settings
from pyrus_etl.sync.session import watching
from tests.benchmarks.figure import Figure
from tests.benchmarks.stand import Stand, World, environment_of, world

PROCESSES, REQUESTS, PERIOD, PERIODS = 2, 500, 6.0, 4
LEASES = 300


def ledger(stand: Stand) -> Iterator[Figure]:
    """Two hungry processes with sixteen requests in flight each, and a long row of leases."""
    with world(3) as served, stand.database("bench_ledger") as database:
        sent = _sent_by_all(served, database)
        most = max(bisect_left(sent, start + PERIOD) - place for place, start in enumerate(sent))
        used = 100 * (PERIODS - 1) * PERIOD / (sent[(PERIODS - 1) * REQUESTS] - sent[0])
        cost = 1000 * asyncio.run(_seconds_of_leases(database)) / LEASES / LARGEST
    what = f"{PROCESSES} processes, {REQUESTS} requests in {PERIOD:g} s"
    yield Figure(f"{what}: most in any window", most, "", f"≤ {REQUESTS}", most <= REQUESTS)
    yield Figure(f"{what}: used", used, "%", "≥ 97", used >= 97)
    yield Figure("ledger, slices of 50", cost, "ms a request", "≤ 0.1", cost <= 0.1)


def _sent_by_all(served: World, database: Secret) -> list[float]:
    """When the requests of all processes were sent, in order."""
    command = [sys.executable, "-m", "tests.benchmarks.ledger"]
    given = environment_of(served, database, PYRUS_ETL_QUOTA=f"{REQUESTS}/{PERIOD:g}s")
    running = [subprocess.Popen(command, env=given, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    return sorted(instant for process in running for instant in json.loads(process.communicate()[0]))


async def _seconds_of_leases(database: Secret) -> float:
    """How long it takes to take leases and to close them, one after the other."""
    share, closed = Share(1, Quota(10**6, 600)), tuple[Closed, ...]()
    async with Store(database) as store:
        began = time.perf_counter()
        for lease_id in range(LEASES):
            await store.query(settle, share, Report(closed, (), LARGEST), lease_id)
            share, closed = share._replace(is_new=False), (Closed(lease_id, LARGEST, 0.0),)
    return time.perf_counter() - began


async def _asking(settings: Settings) -> list[float]:
    """Sends its part of the requests as fast as the quota lets it; returns when it sent them."""
    sent: list[float] = []
    numbers = count()
    async with watching(settings, access_of(settings).client()) as session:
        pace = session.pace

        async def ask() -> None:
            while next(numbers) < REQUESTS * PERIODS / PROCESSES:
                async with pace:
                    sent.append(time.monotonic())
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(ask() for _ in range(settings.concurrency)))
    return sent


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_asking(load_settings()))))
