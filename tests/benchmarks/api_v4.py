"""API v4 measured: first rows, full detail, idle syncs and changes, beside dlt on the same server."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pyrus_etl.settings import Secret
from tests.benchmarks.figure import Figure
from tests.benchmarks.stand import Stand, World, program, run, world

FORMS = 40
MOST_REQUESTS = 120
OF_FORMS = "SELECT count(*) FROM pyrus.tasks WHERE form_id IS NOT NULL"
VALUES = "SELECT count(*) FROM pyrus.form_values"
FEEDS = """
    SELECT (SELECT count(*) FROM pyrus.forms) + count(*) FROM pyrus.projects WHERE kind = 'list' AND deleted IS NOT true
"""


def api_v4(stand: Stand, tasks: int, changes: int, peer_python: Path | None, peer_tasks: int) -> Iterator[Figure]:
    """First rows before full rows, then syncs."""
    with world(tasks, "--api", "v4", "--forms", str(FORMS)) as served:
        _first_rows(stand, served)  # now the sandbox has its registers ready
        peer = _dlt(peer_python, stand, served, peer_tasks) if peer_python else None
        with stand.database("bench_v4") as database:
            first = _backfill(served, database, "--max-requests", str(MOST_REQUESTS))
            rows, values = stand.asked(database, OF_FORMS), stand.asked(database, VALUES)
            full = _backfill(served, database)
            share = 100 * rows / stand.asked(database, OF_FORMS)
            yield Figure(f"{tasks:,} tasks: those of forms with values", share, "%", "100", share == 100)
            yield Figure("form values after first rows", values, "rows")
            yield Figure("… requests", first["requests"], "", f"≤ {MOST_REQUESTS}", first["requests"] <= MOST_REQUESTS)
            yield Figure("… time", first["seconds"], "s", "≤ 40", first["seconds"] <= 40)
            speed = full["tasks_changed"] / full["seconds"]
            yield Figure("full detail", speed, "tasks/s")
            if peer:
                yield Figure(f"dlt, {peer_tasks:,} tasks in full", peer, "tasks/s")
                yield Figure("full detail, of dlt", speed / peer, "×", "≥ 5", speed >= 5 * peer)
                times = tasks / peer / first["seconds"]
                yield Figure("dlt's time for the same values, of ours", times, "×", "≥ 20", times >= 20)
            yield from _following(stand, served, database, changes)


def _first_rows(stand: Stand, served: World) -> None:
    with stand.database("bench_v4_warm") as database:
        _backfill(served, database, "--max-requests", str(MOST_REQUESTS))


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
