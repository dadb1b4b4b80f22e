"""What cron and timers need: a sync that does all of it, silence while all is well, and figures in a file."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.cli.runs import running
from pyrus_etl.cli.runs.running import RunOptions, carried_out
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.reconcile import reconcile
from tests.conftest import settings_for
from tests.runs import program, sync
from tests.typing import Query

AGED = "UPDATE pyrus.sync_runs SET started_at = started_at - interval '%s', finished_at = finished_at - interval '%s'"
RUNS = "SELECT kind, status FROM pyrus.sync_runs ORDER BY run_id"
ANOTHER = """
    INSERT INTO pyrus.sync_leases
    SELECT account_id, gen_random_uuid(), 'another', now(), clock_timestamp() + interval '8 s'
    FROM pyrus.sync_runs LIMIT 1
"""
RENEWED = "UPDATE pyrus.sync_leases SET expires_at = clock_timestamp() + interval '8 s' WHERE holder = 'another'"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(1, tasks=20)) as server:
        yield server


def synced(sandbox: Sandbox, database: Secret, *options: str) -> dict[str, Any]:
    ended = program("sync", *options, "--json", sandbox=sandbox, database=database)
    found: dict[str, Any] = json.loads(ended.stdout)
    assert (ended.returncode, found["exit_code"]) == (0, 0), ended.stderr
    return found


def test_one_sync_reconciles_and_refreshes_when_it_is_due(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """At first there are new fields. Without a reconcile, the first good run counts; a fresh one is not repeated."""
    everything = ("--refresh", "--reconcile-every", "24h")
    first = synced(sandbox, database, *everything)
    assert first["refreshed"]["views_made"]
    assert first["reconcile"] is None

    second = synced(sandbox, database, *everything)
    assert (second["refreshed"], second["reconcile"]) == (None, None)

    query(database, AGED.replace("%s", "25 h"))
    third, fourth = synced(sandbox, database, *everything), synced(sandbox, database, *everything)
    assert (third["reconcile"]["status"], third["reconcile"]["kind"]) == ("ok", "reconcile")
    assert third["reconcile"]["run_id"] != third["run_id"]
    assert fourth["reconcile"] is None
    assert query(database, RUNS) == [(kind, "ok") for kind in ("sync", "sync", "sync", "reconcile", "sync")]


def test_a_doubted_census_is_not_taken_again_before_its_time(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """A person has to look. One that failed for another reason is tried again after an hour."""
    due = ("--reconcile-every", "24h")
    sync(sandbox, database)
    query(database, AGED.replace("%s", "30 h"))
    synced(sandbox, database, *due)
    query(database, AGED.replace("%s", "2 h"))
    ended = "UPDATE pyrus.sync_runs SET status = %s, error_type = %s WHERE kind = 'reconcile'"

    query(database, ended, "partial", "CensusDoubted")
    assert synced(sandbox, database, *due)["reconcile"] is None
    query(database, ended, "failed", "PyrusUnreachable")
    assert synced(sandbox, database, *due)["reconcile"]["status"] == "ok"


def test_materialised_reports_follow_changed_rows(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """Also if the run that changed them did not refresh, or was killed before it could."""
    count = "SELECT count(*) FROM pyrus_report.task_overview_materialized"
    synced(sandbox, database, "--refresh")
    assert program("reports", "materialize", "task_overview", database=database).returncode == 0
    assert synced(sandbox, database, "--refresh")["refreshed"] is None

    before = query(database, count)
    sandbox.world.live(3600, 40)
    synced(sandbox, database)
    assert query(database, count) == before
    assert synced(sandbox, database, "--refresh")["refreshed"]["materialized"] == ["task_overview"]
    assert query(database, count) == query(database, "SELECT count(*) FROM pyrus_report.task_overview") != before


def test_quiet_prints_only_what_is_wrong(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """With what was held back before; a lock that another run holds is nothing wrong."""
    quiet = {"sandbox": sandbox, "database": database, "PYRUS_ETL_NONSENSE": "x"}

    def seen(*arguments: str, **more: str) -> tuple[int, str, str]:
        ended = program(*arguments, "--quiet", **{**quiet, **more})  # type: ignore[arg-type]
        return ended.returncode, ended.stdout, ended.stderr

    assert seen("sync", "--refresh", "--reconcile-every", "1h") == (0, "", "")
    assert seen("reconcile") == (0, "", "")
    assert seen("status", "--max-age", "1h") == (0, "", "")

    code, shown, said = seen("sync", PYRUS_SECURITY_KEY="wrong")
    assert (code, shown) == (3, "")
    assert "PYRUS_ETL_NONSENSE is not a setting" in said
    assert "pyrus-etl: Pyrus refused the login" in said

    query(database, ANOTHER.replace("8 s", "1 h"))
    with _renewing(query, database):
        assert seen("sync") == (7, "", "")


class _renewing:  # noqa: N801 -- used as a function
    """Another run renews its lease, until the block ends or `ended` is set."""

    def __init__(self, query: Query, database: Secret) -> None:
        self.query, self.database, self.ended = query, database, threading.Event()
        self.thread = threading.Thread(target=self._renew)

    def _renew(self) -> None:
        import psycopg

        with psycopg.connect(self.database.reveal(), autocommit=True) as connection:
            while not self.ended.wait(0.1):
                connection.execute(RENEWED.encode())
            connection.execute(b"DELETE FROM pyrus.sync_leases WHERE holder = 'another'")

    def __enter__(self) -> threading.Event:
        self.thread.start()
        return self.ended

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def test_a_reconcile_waits_for_the_lock_if_it_is_asked_to(
    sandbox: Sandbox, database: Secret, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(sandbox, database)
    query(database, ANOTHER)
    settings = settings_for(sandbox, database)
    with _renewing(query, database) as ended:
        assert carried_out(reconcile(), settings, RunOptions(is_quiet=True)).exit_code == 7

        monkeypatch.setattr("time.sleep", lambda _: ended.set())
        monkeypatch.setattr(running, "SECONDS_BETWEEN_TRIES", 0.01)
        found = carried_out(reconcile(), settings, RunOptions(is_quiet=True, patience=60))

    assert (found.status, found.exit_code) == ("ok", 0)
    assert query(database, RUNS) == [("sync", "ok"), ("reconcile", "ok")]


def test_the_figures_are_written_whole_after_good_and_bad_runs(
    sandbox: Sandbox, database: Secret, tmp_path: Path
) -> None:
    """node_exporter runs as another user, and reads the folder at any moment."""
    file = tmp_path / "pyrus_etl.prom"
    program("sync", "--metrics", str(file), sandbox=sandbox, database=database)
    program("sync", "--metrics", str(file), sandbox=sandbox, database=database, PYRUS_SECURITY_KEY="wrong")
    after_runs = file.read_text("utf-8")
    program("status", "--quiet", "--metrics", str(file), database=database)

    assert 'pyrus_etl_runs_total{kind="sync",status="ok"} 1.0' in after_runs
    assert 'pyrus_etl_runs_total{kind="sync",status="failed"} 1.0' in after_runs
    assert 'pyrus_etl_rows{table="tasks"} 20.0' in file.read_text("utf-8")
    assert file.stat().st_mode & 0o044 == 0o044
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("sync --metrics /nowhere/at/all.prom", "--metrics: the folder /nowhere/at is missing; create it"),
        ("sync --reconcile-every 0s", "--reconcile-every: the duration must not be zero"),
        ("sync --dry-run --refresh", "--dry-run looks once; leave out --every, --refresh and --reconcile-every"),
        ("reconcile --wait long", "--wait: 'long' is not a duration"),
    ],
)
def test_wrong_options_are_2(arguments: str, problem: str) -> None:
    ended = program(*arguments.split())

    assert ended.returncode == 2
    assert problem in ended.stderr
