"""`serve` with webhooks: the time from a change in Pyrus to its row."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg

from pyrus_etl.settings import Secret
from tests.benchmarks.figure import Figure
from tests.benchmarks.stand import Stand, World, environment_of, world

NOTE = "SELECT last_note_id FROM pyrus.tasks WHERE task_id = %s"
APART = 2.5
"""Seconds between two changes that do not share a run for hints."""
OTHERS = 5
"""Changes of other tasks just before the one that is timed."""
Session = psycopg.Connection[tuple[object, ...]]


def serving(stand: Stand, tasks: int, events: int) -> Iterator[Figure]:
    """Times changes that come one by one, each with a run of its own, and changes that come among many others."""
    with (
        world(tasks, "--api", "v4") as served,
        stand.database("bench_serving") as database,
        _serving(served, database) as process,
        psycopg.connect(database.reveal(), autocommit=True) as connection,
    ):
        task_ids = [task_id for (task_id,) in connection.execute("SELECT task_id FROM pyrus.tasks ORDER BY 1 DESC")]
        alone, busy = [], []
        for task_id in task_ids[:events]:
            time.sleep(APART)
            alone.append(_seconds(served, connection, task_id))
        for number in range(events):
            for other in task_ids[events + OTHERS * number :][:OTHERS]:
                served.do("edit", task_id=other)
            busy.append(_seconds(served, connection, task_ids[number]))
        megabytes = _megabytes(process.pid)
    yield Figure("from a change to its row, median", median(alone), "s", "≤ 2", median(alone) <= 2)
    yield Figure("from a change to its row, longest", max(alone), "s")
    yield Figure(f"among {OTHERS} others that come just before, median", median(busy), "s", "≤ 2", median(busy) <= 2)
    yield Figure("memory of the process", megabytes, "MB")


@contextmanager
def _serving(served: World, database: Secret) -> Iterator[subprocess.Popen[str]]:
    """The process, when its first sync is done; it syncs once an hour, so that only webhooks bring changes."""
    command = [sys.executable, "-m", "pyrus_etl", "serve", "--listen", "127.0.0.1:0", "--every", "1h"]
    environment = environment_of(served, database)
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stderr
            url = next(found[0] for line in process.stderr if (found := re.search(r"http://[\d.:]+", line)))
            served.do("options", webhook=f"{url}/webhook")
            while not _is_ready(url):
                time.sleep(0.2)
            yield process
        finally:
            process.terminate()
            process.communicate()


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz"):
            return True
    except HTTPError:
        return False


def _seconds(served: World, connection: Session, task_id: int) -> float:
    """Changes a task; returns the time until its row shows that."""
    before = connection.execute(NOTE, [task_id]).fetchone()
    began = time.perf_counter()
    served.do("edit", task_id=task_id, role="comment")
    while connection.execute(NOTE, [task_id]).fetchone() == before:
        time.sleep(0.005)
    return time.perf_counter() - began


def _megabytes(pid: int) -> float:
    """The greatest memory of a process so far (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024
