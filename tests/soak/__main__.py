"""Runs `pyrus-etl serve` as a process against a growing sandbox, and compares the tables with the world at the end.

Meanwhile webhooks come, answers are faulty, Pyrus and PostgreSQL go away, and a receiver takes alerts. It ends with 1
if something was lost, an alert was wrong, or memory grew.
"""

import argparse
import asyncio
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import command_line, program_environment
from tests.servers import embedded_server
from tests.soak.findings import Finding, missed, of_alerts, of_tables, of_traffic, of_watcher
from tests.soak.receiver import Receiver
from tests.soak.traffic import Traffic
from tests.soak.watcher import Watcher
from tests.soak.weather import CYCLES, Weather

READY = "SELECT 1 FROM pyrus.sync_runs WHERE kind IN ('sync', 'reconcile') AND status = 'ok' AND started_at > %s"
NO_HINTS = "SELECT 1 WHERE NOT EXISTS (SELECT FROM pyrus.sync_hints)"
LONGEST_WAIT = 900.0
QUOTA = "60000/600s"
"""Enough for a task at each webhook."""


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="soak-") as name, embedded_server(Path(name)) as server:
        server.execute("CREATE DATABASE soak")
        server.execute("ALTER DATABASE soak SET synchronous_commit = on")  # a crash of the server loses no commit
        database = server.url("soak")
        upgrade(database)
        world = World(given.seed, tasks=given.tasks, start=datetime.now(UTC), running=True)
        with Sandbox(world, api="v4", webhook_twice=0.1) as sandbox:
            weather = Weather(sandbox, server, given.minutes * 60)
            findings = asyncio.run(_soaked(given, sandbox, weather, database, Path(name)))
    print("\n".join(f"{_verdict(each)} {each.text}" for each in findings), flush=True)
    return int(any(each.is_good is False for each in findings))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20.0, help="webhooks a second")
    parser.add_argument("--tasks", type=int, default=5000, help="tasks at the start")
    parser.add_argument("--seed", type=int, default=1, help="of the world and of its changes")
    parser.add_argument("--every", default="30s", help="interval of the sync")
    parser.add_argument("--log", type=Path, default=Path("soak.log"), help="file for the log of the process")
    return parser.parse_args()


async def _soaked(
    given: argparse.Namespace, sandbox: Sandbox, weather: Weather, database: Secret, folder: Path
) -> list[Finding]:
    receiver, seconds = Receiver(), given.minutes * 60
    async with receiver.listening() as alert_url:
        with _serving(given, sandbox, database, alert_url, folder) as (process, origin):
            await _until(database, READY, datetime.fromtimestamp(0, UTC))
            traffic = Traffic(sandbox, f"{origin}/webhook", given.rate, given.seed)
            watcher = Watcher(process.pid, origin, database, traffic)
            async with _beside(watcher):
                await asyncio.gather(traffic.flow(seconds), weather.pass_by())
                await _until(database, READY, datetime.now(UTC))
                await _until(database, NO_HINTS)
            stopped = _ended(process)
        lost = missed(database, sandbox.world)
        swept = await asyncio.to_thread(_swept, sandbox, database, folder)
    exits = f"a census at the end exits with {swept.returncode} {swept.stderr.strip()[-300:]}"
    return [
        *of_traffic(traffic),
        *of_watcher(watcher, weather.restarts),
        *of_alerts(receiver, weather),
        Finding(f"SIGTERM ends it with {stopped}", stopped == 128 + signal.SIGTERM),
        lost,
        Finding(exits, swept.returncode == 0),
        *of_tables(database, sandbox.world),
    ]


@contextmanager
def _serving(
    given: argparse.Namespace, sandbox: Sandbox, database: Secret, alert_url: str, folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process and its origin; killed at the end of the block if it still runs."""
    arguments = ["serve", "--listen", "127.0.0.1:0", "--every", given.every]
    environment = program_environment(
        sandbox,
        database,
        HOME=str(folder),
        PYRUS_API="v4",
        PYRUS_ETL_QUOTA=QUOTA,
        PYRUS_ETL_ALERT_URL=alert_url,
        PYRUS_ETL_STALE_AFTER="3m",
    )
    census = f"{given.minutes * 60 / CYCLES:.0f}s"
    with given.log.open("wb") as log:
        command = command_line(*arguments, "--reconcile-every", census)
        process = subprocess.Popen(command, env=environment, stderr=log)
    with process:
        try:
            yield process, _origin(given.log, process)
        finally:
            process.kill()


def _origin(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Waits until the process says where it listens."""
    while not (found := re.search(r"listening on (http://[\d.:]+)", log.read_text("utf-8"))):
        if process.poll() is not None:
            raise RuntimeError(log.read_text("utf-8"))
        time.sleep(0.1)
    return found[1]


@asynccontextmanager
async def _beside(watcher: Watcher) -> AsyncIterator[None]:
    """Watches during the block."""
    tasks = [asyncio.create_task(watcher.look()), asyncio.create_task(watcher.probe())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


async def _until(database: Secret, query: str, *parameters: object) -> None:
    """Waits until a query returns a row; raises TimeoutError if it does not."""
    async with asyncio.timeout(LONGEST_WAIT):
        while not await asyncio.to_thread(_found, database, query, parameters):
            await asyncio.sleep(0.5)


def _found(database: Secret, query: str, parameters: tuple[object, ...]) -> bool:
    with psycopg.connect(database.reveal(), autocommit=True) as connection:
        return connection.execute(query.encode(), parameters or None).fetchone() is not None


def _swept(sandbox: Sandbox, database: Secret, folder: Path) -> subprocess.CompletedProcess[str]:
    """A census by a process of its own."""
    environment = program_environment(sandbox, database, HOME=str(folder), PYRUS_API="v4", PYRUS_ETL_QUOTA=QUOTA)
    command = command_line("reconcile", "--json")
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST_WAIT, check=False)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Asks the process to end; returns its exit code."""
    process.terminate()
    return process.wait(60)


def _verdict(finding: Finding) -> str:
    return {True: "good  ", False: "WRONG ", None: "      "}[finding.is_good]


if __name__ == "__main__":
    sys.exit(main())
