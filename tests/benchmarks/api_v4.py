"""API v4 measured: first rows, full detail, idle syncs and changes, beside dlt on the same server."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from pyrus_etl.settings import Secret
from tests.benchmarks.figure import Figure
from tests.benchmarks.stand import Stand, World, program, run, world

FORMS = 40
ENOUGH = 100
"""Requests for the directory and two for each form: for its open tasks, and for all of them."""
READ = "SELECT count(*) FROM pyrus.sync_feeds WHERE kind = 'form' AND done_at IS NOT NULL"
VALUES = "SELECT count(*) FROM pyrus.form_values"
FEEDS = """
    SELECT (SELECT count(*) FROM pyrus.forms) + count(*) FROM pyrus.projects WHERE kind = 'list' AND deleted IS NOT true
"""


def api_v4(
    stand: Stand, tasks: int, detailed: int, changes: int, peer_python: Path | None, peer_tasks: int
) -> Iterator[Figure]:
    """First rows of many tasks, then full rows and syncs of some, with the answers of the sandbox ready."""
    with _world(tasks) as served, stand.database("bench_v4") as database:
        first = _backfill(served, database, "--max-requests", str(ENOUGH))
        read = 100 * stand.asked(database, READ) / FORMS
        yield Figure(f"first rows of {tasks:,} tasks: forms whose values are stored", read, "%", "100", read == 100)
        yield Figure("their form values", stand.asked(database, VALUES), "rows")
        yield Figure("their requests", first["requests"], "", "≤ 120", first["requests"] <= 120)
        yield Figure("their time", first["seconds"], "s", "≤ 40", first["seconds"] <= 40)
        memory = first["megabytes"]
        yield Figure("their memory", memory, "MB", "< 200", memory < 200)
    with _world(detailed) as served:
        with stand.database("bench_v4_warm") as database:
            _backfill(served, database)
        peer = _dlt(peer_python, stand, served, peer_tasks) if peer_python else None
        with stand.database("bench_v4") as database:
            full = _backfill(served, database)
            speed = full["tasks_changed"] / full["seconds"]
            yield Figure(f"backfill of {detailed:,} tasks, full detail", speed, "tasks/s")
            if peer:
                yield Figure(f"dlt, {peer_tasks:,} tasks in full", peer, "tasks/s")
                yield Figure("full detail, of dlt", speed / peer, "×", "≥ 5", speed >= 5 * peer)
                times = tasks / peer / first["seconds"]
                yield Figure("dlt's time for the same values, of first rows", times, "×", "≥ 20", times >= 20)
            yield from _following(stand, served, database, changes)


def _world(tasks: int) -> AbstractContextManager[World]:
    return world(tasks, "--api", "v4", "--forms", str(FORMS), "--warm")


def _following(stand: Stand, served: World, database: Secret, changes: int) -> Iterator[Figure]:
    most = stand.asked(database, FEEDS) + 10
    stand.vacuum(database)
    program("sync", "--json", world=served, database=database)  # asks again for what changed just before its fetch
    idle = program("sync", "--json", world=served, database=database)
    asked = idle.report["requests"]
    yield Figure("sync, nothing changed", asked, "requests", f"≤ {most}", asked <= most)
    yield Figure("sync, nothing changed", idle.seconds, "s", "≤ 2", idle.seconds <= 2)
    served.do("live", seconds=1, changes=changes)
    synced = program("sync", "--json", world=served, database=database).report
    asked, most = synced["requests"], synced["tasks_fetched"] + most
    yield Figure(f"sync, {synced['tasks_changed']:,} changed", asked, "requests", f"≤ {most:,}", asked <= most)
    census = program("reconcile", "--json", world=served, database=database)
    yield Figure("reconcile", census.report["requests"], "requests")
    yield Figure("reconcile, most memory", census.megabytes, "MB", "< 200", census.megabytes < 200)


def _backfill(served: World, database: Secret, *options: str) -> dict[str, Any]:
    """The report of a backfill, with its seconds and its memory."""
    ran = program("backfill", "--json", *options, world=served, database=database)
    began, ended = (datetime.fromisoformat(ran.report[name]) for name in ("started_at", "finished_at"))
    return {**ran.report, "seconds": (ended - began).total_seconds(), "megabytes": ran.megabytes}


def _dlt(python: Path, stand: Stand, served: World, tasks: int) -> float:
    with stand.database("bench_dlt") as database:
        peer = str(Path(__file__).with_name("dlt_peer_v4.py"))
        report = run([str(python), peer], served, stand.by_password(database), PEER_TASKS=str(tasks)).report
    return float(report["tasks"] / report["seconds"])
