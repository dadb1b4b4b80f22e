"""The measures: each function yields figures, some with a goal."""

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from pyrus_etl.reports.materialized import SUFFIX, materialize
from pyrus_etl.settings import Secret
from tests.benchmarks.figure import Figure
from tests.benchmarks.stand import Stand, World, program, run, world
from tests.benchmarks.worlds import build

ROUNDS = 3
SLOWEST = "task_timeline"
WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
VIEWS = "SELECT viewname::text FROM pg_views WHERE schemaname = 'pyrus_report' ORDER BY 1"
COLUMNS = """
    SELECT attname::text, atttypid::regtype::text FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum
"""
SPILLED = "SELECT temp_bytes / 1048576.0 FROM pg_stat_database WHERE datname = current_database()"
ODD = {"many projects": 20_000, "many projects in deep trees": 20_000, "many cells": 30_000, "many rounds": 2_000}
CHOICES = {
    "one form": ["form_id"],
    "one project": ["project_id"],
    "one person": ["person_id", "author_id", "responsible_id"],
}


def peers(stand: Stand, tasks: int, peer_python: Path | None, peer_tasks: int) -> Iterator[Figure]:
    """Compares a backfill with its stages alone and with dlt: interleaved rounds, medians, timed from inside."""
    names = ("process", "backfill", "fetch", "load", "dlt", "rebuild", "rebuild one")
    speeds: dict[str, list[float]] = {name: [] for name in names}
    with world(tasks) as served:
        _stage("fetch", stand, served)  # now the sandbox has its answers ready
        for _ in range(ROUNDS):
            with stand.database("bench_backfill") as database:
                ran = program("backfill", "--json", world=served, database=database)
                speeds["process"].append(ran.report["tasks_changed"] / ran.seconds)
                speeds["backfill"].append(ran.report["tasks_changed"] / duration(ran.report))
                for name, speed in zip(("rebuild", "rebuild one"), _rebuilds(stand, database), strict=True):
                    speeds[name].append(speed)
            for stage in ("fetch", "load"):
                speeds[stage].append(_stage(stage, stand, served))
            if peer_python:
                speeds["dlt"].append(_dlt(peer_python, stand, served, peer_tasks))
    typical = {name: median(found) for name, found in speeds.items() if found}
    slower = min(typical["fetch"], typical["load"])
    backfill, share = typical["backfill"], typical["backfill"] / slower
    yield Figure(f"backfill of {tasks:,} tasks", typical["process"], "tasks/s", "≥ 2,500", typical["process"] >= 2500)
    yield Figure(f"backfill of {tasks:,} tasks, without start-up", backfill, "tasks/s")
    yield Figure("its fetch stage alone", typical["fetch"], "tasks/s")
    yield Figure("its load stage alone", typical["load"], "tasks/s")
    yield Figure("backfill, of its slower stage", share, "×", "≥ 0.6", share >= 0.6)
    yield Figure(
        "db rebuild, all rows are right", typical["rebuild"], "tasks/s", "≥ load", typical["rebuild"] >= typical["load"]
    )
    yield Figure("db rebuild, a value is wrong in every row of form_values", typical["rebuild one"], "tasks/s")
    if "dlt" in typical:
        yield Figure(f"dlt, {peer_tasks:,} tasks", typical["dlt"], "tasks/s")
        yield Figure("backfill, of dlt", backfill / typical["dlt"], "×", "≥ 12", backfill >= 12 * typical["dlt"])


def _rebuilds(stand: Stand, database: Secret) -> Iterator[float]:
    """The speed of a rebuild that has nothing to write, and of one that replaces a table, both without start-up."""
    for damage in (None, "UPDATE pyrus.form_values SET field_name = 'another'"):
        if damage:
            with psycopg.connect(database.reveal(), autocommit=True) as connection:
                connection.execute(damage.encode())
        stand.vacuum(database)
        report = program("db", "rebuild", "--json", database=database).report
        yield report["tasks_rebuilt"] / report["seconds"]


def _stage(name: str, stand: Stand, served: World, *since: int) -> float:
    with stand.database(f"bench_{name}") as database:
        stage = [sys.executable, "-m", "tests.benchmarks.stages", name, *map(str, since)]
        report = run(stage, served, database).report
    return float(report["tasks"] / report["seconds"])


def _dlt(python: Path, stand: Stand, served: World, tasks: int) -> float:
    with stand.database("bench_dlt") as database:
        peer = str(Path(__file__).with_name("dlt_peer.py"))
        report = run([str(python), peer], served, stand.by_password(database), PEER_TASKS=str(tasks)).report
    return float(report["tasks"] / report["seconds"])


def growth(stand: Stand, sizes: list[int]) -> Iterator[Figure]:
    """Speed and memory of a backfill as the work grows: up to the largest and down again, because machines drift."""
    speeds: dict[int, list[float]] = {size: [] for size in sizes}
    memory = dict.fromkeys(sizes, 0.0)
    for tasks in [*sizes, *reversed(sizes[:-1])]:
        with world(tasks) as served, stand.database("bench_growth") as database:
            ran = program("backfill", "--json", world=served, database=database)
        speeds[tasks].append(ran.report["tasks_changed"] / ran.seconds)
        memory[tasks] = max(memory[tasks], ran.megabytes)
    typical = {size: median(found) for size, found in speeds.items()}
    for size in sizes:
        yield Figure(f"backfill of {size:,}", typical[size], "tasks/s")
        yield Figure(f"backfill of {size:,}, most memory", memory[size], "MB", "< 200", memory[size] < 200)
    spread = max(typical.values()) / min(typical.values()) - 1
    yield Figure("greatest difference in speed", 100 * spread, "%", "≤ 15", spread <= 0.15)


def following(stand: Stand, tasks: int, changes: int) -> Iterator[Figure]:
    """The cost of syncs and censuses once much is stored, and then the reports."""
    with world(tasks) as served, stand.database("bench_following") as database:

        def ran(*command: str) -> Any:
            return program(*command, "--json", world=served, database=database)

        before = stand.asked(database, WAL)
        ran("backfill")
        first = stand.asked(database, WAL) - before
        stand.vacuum(database)
        before = stand.asked(database, WAL)
        ran("backfill", "--restart")
        share = 100 * float((stand.asked(database, WAL) - before) / first)
        yield Figure(f"WAL of a second backfill of {tasks:,}", share, "% of the first", "≤ 1", share <= 1)

        idle = ran("sync")
        yield Figure(
            "sync, nothing changed", idle.report["requests"], "requests", "≤ 10", idle.report["requests"] <= 10
        )
        yield Figure("sync, nothing changed", idle.seconds, "s", "≤ 1.5", idle.seconds <= 1.5)

        yield from _changes(stand, served, database, changes)

        census = ran("reconcile")
        yield Figure("reconcile, nothing changed", census.report["requests"], "requests")
        yield Figure("reconcile, nothing changed", census.seconds, "s", "≤ 10", census.seconds <= 10)
        yield Figure("reconcile, most memory", census.megabytes, "MB", "< 200", census.megabytes < 200)
        stand.vacuum(database)
        yield from _reports(database)


def _changes(stand: Stand, served: World, database: Secret, changes: int) -> Iterator[Figure]:
    """Compares a sync of many changes with the fetch of the same tasks alone; the round with the median duration."""
    rounds = []
    for _ in range(ROUNDS):
        since = int(time.time())
        served.do("live", seconds=1, changes=changes)
        fetching = _stage("fetch", stand, served, since)
        report = program("sync", "--json", world=served, database=database).report
        rounds.append((duration(report), 2 * report["tasks_changed"] / fetching, report))
    took, _, report = sorted(rounds, key=itemgetter(0))[ROUNDS // 2]
    changed, most = report["tasks_changed"], report["tasks_fetched"] + 10
    yield Figure(
        f"sync, {changed:,} changed", report["requests"], "requests", f"≤ {most:,}", report["requests"] <= most
    )
    twice = median(twice for _, twice, _ in rounds)
    yield Figure(f"sync, {changed:,} changed, without start-up", took, "s", f"≤ {twice:.2f}", took <= twice)


def duration(report: dict[str, Any]) -> float:
    """Seconds of a run, as the run itself reports them."""
    began, ended = (datetime.fromisoformat(report[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _reports(database: Secret) -> Iterator[Figure]:
    """Every view in full and with its slowest filter, and the page."""
    with psycopg.connect(database.reveal(), autocommit=True) as connection:
        for (view,) in connection.execute(VIEWS).fetchall():
            whole = _seconds(connection, f"SELECT * FROM pyrus_report.{view}")
            yield Figure(f"view {view}", whole, "s", "< 10", whole < 10)
            yield from _slowest(connection, view, f"view {view}")
        began = time.perf_counter()
        materialize(connection, SLOWEST)
        yield Figure(f"{SLOWEST} materialised, to make it", time.perf_counter() - began, "s")
        yield from _slowest(connection, SLOWEST + SUFFIX, f"{SLOWEST} materialised")
    with tempfile.NamedTemporaryFile(suffix=".html") as page:
        seconds = program("report", "--html", page.name, database=database).seconds
    yield Figure("report --html", seconds, "s", "< 20", seconds < 20)


def _slowest(connection: psycopg.Connection[Any], view: str, title: str) -> Iterator[Figure]:
    """The slowest of the filters that a report can have."""
    asked = {
        about: _seconds(connection, f"SELECT * FROM pyrus_report.{view} WHERE {only}")
        for about, only in _questions(connection, view)
    }
    if asked:
        about, some = max(asked.items(), key=itemgetter(1))
        yield Figure(f"{title}, {about}", some, "s", "< 1", some < 1)


def _questions(connection: psycopg.Connection[Any], view: str) -> Iterator[tuple[str, str]]:
    """Yields conditions for the form, the project and the person with most rows, and for the last full quarter."""
    kinds = dict(connection.execute(COLUMNS, [f"pyrus_report.{view}"]).fetchall())
    for about, names in CHOICES.items():
        name = next((name for name in names if name in kinds), None)
        if name is None:
            continue
        busiest = f"SELECT {name} FROM pyrus_report.{view} WHERE {name} > 0 GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        row = connection.execute(busiest.encode()).fetchone()
        if row:
            yield about, f"{name} = {row[0]}"
    if date := next((name for name, kind in kinds.items() if kind.startswith(("date", "timestamp"))), None):
        quarter = "date_trunc('quarter', now())"
        yield "one quarter", f"{date} >= {quarter} - interval '3 months' AND {date} < {quarter}"


def _seconds(connection: psycopg.Connection[Any], query: str) -> float:
    """Seconds until a client has received the last row; the median of a few rounds."""
    return median(_once(connection, f"COPY ({query}) TO STDOUT") for _ in range(ROUNDS))


def _once(connection: psycopg.Connection[Any], query: str) -> float:
    began = time.perf_counter()
    with connection.cursor().copy(query.encode()) as rows:
        for _ in rows:
            pass
    return time.perf_counter() - began


def odd(stand: Stand, share: int) -> Iterator[Figure]:
    """Worlds with very many rows of one kind: the page, its temporary files, and the slowest view."""
    for name, size in ODD.items():
        about = f"{name} ({size // share:,})"
        with stand.database("bench_odd") as database:
            with psycopg.connect(database.reveal(), autocommit=True) as connection:
                build(connection, name, size // share)
            stand.vacuum(database)
            with tempfile.NamedTemporaryFile(suffix=".html") as page:
                seconds = program("report", "--html", page.name, database=database).seconds
            yield Figure(f"{about}: report --html", seconds, "s", "< 20", seconds < 20)
            yield Figure(f"{about}: spilled by it", float(stand.asked(database, SPILLED)), "MB")
            with psycopg.connect(database.reveal(), autocommit=True) as connection:
                views = [view for (view,) in connection.execute(VIEWS)]
                took = {view: _seconds(connection, f"SELECT * FROM pyrus_report.{view}") for view in views}
            view, slowest = max(took.items(), key=itemgetter(1))
            yield Figure(f"{about}: the slowest view, {view}", slowest, "s", "< 10", slowest < 10)


LATE_SECONDS = 20
LATE_REQUESTS = f"""
    SELECT sum(permits)
    FROM pyrus.sync_quota_slices, (SELECT max(closed_at) AS last FROM pyrus.sync_quota_slices) AS late
    WHERE closed_at >= last - interval '{LATE_SECONDS + 1} s' AND closed_at < last - interval '1 s'
"""
"""The requests of some seconds before the last one: all of them for tasks, of which there are enough."""


def quota(stand: Stand) -> Iterator[Figure]:
    """How much of a quota is used, and how often the server refuses."""
    yield from _quota(stand, "v3", share=90, refusals=1)
    yield from _quota(stand, "v4", share=95, refusals=0)


def _quota(stand: Stand, api: str, *, share: int, refusals: int) -> Iterator[Figure]:
    """The share of the quota that is used while tasks are fetched, and the refusals of the whole run."""
    requests, period, tasks = 100, 2, 1500
    limit = f"{requests}/{period}s"
    with world(tasks, "--api", api, "--quota", limit) as served, stand.database("bench_quota") as database:
        program("backfill", "--json", world=served, database=database, PYRUS_ETL_QUOTA=limit)
        used = 100 * stand.asked(database, LATE_REQUESTS) / (LATE_SECONDS / period * requests)
        refused = served.state()["overruns"]
    yield Figure(f"API {api}: quota of {requests} in {period} s, used", used, "%", f"≥ {share}", used >= share)
    yield Figure(f"API {api}: answers that were 429", refused, "", f"≤ {refusals}", refused <= refusals)


def start() -> Iterator[Figure]:
    """How long `--help` takes."""
    typical = 1000 * median(program("--help").seconds for _ in range(7))
    yield Figure("pyrus-etl --help", typical, "ms", "≤ 150", typical <= 150)
