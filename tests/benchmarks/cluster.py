"""Three workers, three organisations: one worker is killed, one frozen; how soon the rest goes on, and the cost."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from pyrus_etl.settings import Secret
from tests.benchmarks.figure import Figure
from tests.benchmarks.stand import Stand, World, environment_of, world

COMMITTED = "SELECT task_id FROM pyrus.raw_tasks"
SOON = 20.0
"""Seconds within which a worker is replaced."""
Session = psycopg.Connection[tuple[int, ...]]


class Organisation(NamedTuple):
    """An organisation: its Pyrus, and a session of its database."""

    name: str
    world: World
    session: Session

    def committed(self) -> set[int]:
        return {task_id for (task_id,) in self.session.execute(COMMITTED)}

    def fetched(self) -> list[int]:
        """Ids of tasks that Pyrus has served, in order."""
        ids: list[int] = self.world.asked("requests")["fetched"]
        return ids


class Look(NamedTuple):
    """What is committed at one moment, and how many tasks Pyrus had served then."""

    organisation: Organisation
    stored: set[int]
    served: int


def cluster(stand: Stand, tasks: int, quota: str) -> Iterator[Figure]:
    """Three organisations; one worker does all until it is killed, the second until it is frozen, a third the rest."""
    with ExitStack() as opened:
        url = opened.enter_context(_cluster_database(stand))
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        commands = _Commands(url)
        commands.run("cluster", "init")
        organisations = [_added(opened, stand, commands, folder, number, tasks, quota) for number in range(3)]
        began = time.monotonic()
        first = opened.enter_context(commands.worker("A"))
        _wait(lambda: _asked(url, "SELECT count(*) FROM pyrus_cluster.accounts WHERE claimed_by = 'A'") == 3)
        second = opened.enter_context(commands.worker("B"))
        _wait(lambda: all(len(one.committed()) > tasks / 8 for one in organisations))
        looks = [_look(one) for one in organisations]
        first.kill()
        after_kill = _resumed(organisations)
        opened.enter_context(commands.worker("C"))
        _wait(lambda: all(len(one.committed()) > tasks / 2 for one in organisations))
        looks += [_look(one) for one in organisations]
        second.send_signal(signal.SIGSTOP)
        after_freeze = _resumed(organisations)
        second.send_signal(signal.SIGCONT)
        _wait(lambda: _all_done(url))
        seconds = time.monotonic() - began
        exact = [len(one.committed()) for one in organisations]
        again = sum(len(look.stored & set(look.organisation.fetched()[look.served :])) for look in looks)
        more = sum(len(one.fetched()) for one in organisations) - 3 * tasks
    yield Figure("killed: until the last of three goes on", after_kill, "s", f"≤ {SOON:g}", after_kill <= SOON)
    yield Figure("frozen: until the last of three goes on", after_freeze, "s", f"≤ {SOON:g}", after_freeze <= SOON)
    yield Figure("fewest tasks of an organisation", min(exact), "tasks", f"{tasks}", set(exact) == {tasks})
    yield Figure("committed tasks that are fetched again", again, "tasks", "0", again == 0)
    yield Figure("lost with a worker and fetched again", more, "tasks")
    yield Figure("the whole, with both failures", seconds, "s")


class _Commands(NamedTuple):
    """Commands and workers of a cluster."""

    url: Secret

    def run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pyrus_etl", *arguments]
        subprocess.run(command, env=self._environment(), check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def worker(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "pyrus_etl", "worker", "--name", name]
        process = subprocess.Popen(command, env=self._environment(), stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def _environment(self) -> dict[str, str]:
        more = {"PYRUS_ETL_CLUSTER_URL": self.url.reveal(), "PYRUS_ETL_LOG_LEVEL": "WARNING"}
        return environment_of(None, None, **more)


@contextmanager
def _cluster_database(stand: Stand) -> Iterator[Secret]:
    with psycopg.connect(stand.url.reveal(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench_cluster")
        try:
            yield Secret(stand.url.reveal().replace("/pyrus?", "/bench_cluster?"))
        finally:
            connection.execute("DROP DATABASE bench_cluster WITH (FORCE)")


def _added(
    opened: ExitStack, stand: Stand, commands: _Commands, folder: Path, number: int, tasks: int, quota: str
) -> Organisation:
    """Starts an organisation's Pyrus, makes its database and adds its account."""
    served = opened.enter_context(world(tasks, "--api", "v4"))
    served.do("advance", seconds=60)  # so that no body is doubted, because its task has just changed
    database = opened.enter_context(stand.database(f"bench_org_{number}"))
    url, key = folder / f"{number}.url", folder / f"{number}.key"
    url.write_text(database.reveal())
    key.write_text(served.environment["PYRUS_SECURITY_KEY"])
    os.chmod(key, 0o600)
    os.chmod(url, 0o600)
    files = ["--database-url-file", str(url), "--key-file", str(key)]
    account = ["--login", served.environment["PYRUS_LOGIN"], "--url", served.url, "--quota", quota, "--every", "1h"]
    commands.run("cluster", "add", f"org-{number}", *files, *account)
    session = opened.enter_context(psycopg.connect(database.reveal(), autocommit=True))
    return Organisation(f"org-{number}", served, session)


def _look(organisation: Organisation) -> Look:
    return Look(organisation, organisation.committed(), len(organisation.fetched()))


def _resumed(organisations: Sequence[Organisation]) -> float:
    """Seconds until each organisation has new commits; those in flight on the server count for the worker before."""
    began = time.monotonic()
    time.sleep(1)
    before = {one.name: len(one.committed()) for one in organisations}
    _wait(lambda: all(len(one.committed()) > before[one.name] for one in organisations))
    return time.monotonic() - began


def _all_done(url: Secret) -> bool:
    return _asked(url, "SELECT count(*) FROM pyrus_cluster.accounts WHERE backfilled_at IS NULL") == 0


def _asked(url: Secret, query: str) -> int:
    with psycopg.connect(url.reveal()) as connection:
        found = connection.execute(query.encode()).fetchone()
    return int(found[0]) if found else 0


def _wait(true: Callable[[], bool], seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("the workers do not get on")
        time.sleep(0.1)
