"""`pyrus-etl` as people and scripts run it: exit codes, sentences and JSON."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from pyrus_etl.cli import COMMANDS
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import CHECKOUT, program, program_environment
from tests.scripted import Asked, Reply, in_front_of, scripted
from tests.typing import Query

REPORT = {
    "run_id", "kind", "status", "started_at", "finished_at", "tasks_listed", "tasks_fetched", "tasks_changed",
    "tasks_unchanged", "tasks_deleted", "tasks_failed", "requests", "retries",
}  # fmt: skip


def sentence(process: subprocess.CompletedProcess[str]) -> str:
    """The program's stderr, which must be one line without a traceback."""
    lines = [line for line in process.stderr.splitlines() if line.startswith("pyrus-etl: ")]
    assert len(lines) == 1, process.stderr
    assert "Traceback" not in process.stderr
    return lines[0]


@pytest.mark.parametrize("command", ["sync", "backfill", "reconcile"])
def test_json_is_one_object_with_the_counts_and_nothing_else(database: Secret, command: str) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        process = program(command, "--json", sandbox=sandbox, database=database)

    report = json.loads(process.stdout)
    assert process.returncode == 0, process.stderr
    assert set(report) >= REPORT
    assert (report["kind"], report["status"], report["tasks_changed"]) == (command, "ok", 20)


@pytest.mark.parametrize("command", ["status", "errors list", "db check", "db current", "check", "reports refresh"])
def test_commands_that_report_do_so_in_json_too(database: Secret, command: str) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        process = program(*command.split(), "--json", sandbox=sandbox, database=database)

    assert isinstance(json.loads(process.stdout), dict)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PYRUS_ETL_OVERLAP": "30"}, "PYRUS_ETL_OVERLAP: '30' is not a duration"),
        ({"PYRUS_ETL_QUOTA": "fast"}, "PYRUS_ETL_QUOTA: 'fast' is not a quota"),
        ({"PYRUS_ETL_CONCURRENCY": "0"}, "PYRUS_ETL_CONCURRENCY: '0' is not a whole number"),
        ({"PYRUS_ETL_LOG_LEVEL": "LOUD"}, "PYRUS_ETL_LOG_LEVEL: 'LOUD' is not one of"),
        ({"PYRUS_URL": "http://pyrus.example"}, "plain http would send the token unencrypted"),
        ({"PYRUS_URL": "https://pyrus.example/api"}, "give only the origin"),
        ({"DATABASE_URL": "mysql://root:canary@host/db"}, "DATABASE_URL is not a PostgreSQL URL"),
        ({"PYRUS_SECURITY_KEY_FILE": "/nowhere"}, "PYRUS_SECURITY_KEY_FILE: the file /nowhere cannot be read"),
        ({"PYRUS_ETL_CONFIG": "/nowhere"}, "config file /nowhere cannot be read"),
    ],
)
def test_a_bad_setting_is_2_and_a_sentence_that_names_it(environment: dict[str, str], message: str) -> None:
    process = program("sync", sandbox=None, database=None, **environment)

    assert process.returncode == 2
    assert message in sentence(process)
    assert "canary" not in process.stderr


def test_a_config_file_with_an_unknown_key_is_2(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('[pyrus]\nsecurity_key = "canary"\n', encoding="utf-8")
    process = program("sync", "--config", str(config))

    assert process.returncode == 2
    assert "unknown key 'pyrus.security_key'" in sentence(process)
    assert "canary" not in process.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("sync --nonsense", "No such option"),
        ("sync --every 0s", "--every: the duration must not be zero; write it like 15m"),
        ("sync --max-time soon", "--max-time: 'soon' is not a duration"),
        ("backfill --from 2024-13-01", "--from: '2024-13-01' is not a date; write it like 2024-01-31"),
        ("backfill --to 2024-01-01T25:00", "--to: '2024-01-01T25:00' is not a date; write it like 2024-01-31"),
        (
            "backfill --from 2024-02-02 --to 2024-02-01",
            "from 2024-02-02 to 2024-02-01 ends before it begins; give the earlier date",
        ),
        ("reconcile --max-deleted 2", "2.0 is not in the range 0<=x<=1"),
    ],
)
def test_wrong_usage_is_2(arguments: str, message: str) -> None:
    process = program(*arguments.split())

    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize(
    ("start", "end", "asked"),
    [
        ("2024-01-01", "2024-01-31", ("2024-01-01T00:00:00", "2024-01-31T23:59:59")),
        ("2024-01-01T10:00", "2024-01-31T10:00", ("2024-01-01T10:00:00", "2024-01-31T10:00:00")),
        ("2024-01-01T10:00+03:00", "2024-01-31T10:00Z", ("2024-01-01T07:00:00", "2024-01-31T10:00:00")),
    ],
)
def test_a_backfill_asks_from_the_first_to_the_last_second(
    database: Secret, start: str, end: str, asked: tuple[str, str]
) -> None:
    """Days are in UTC; the last one is included."""
    searches: list[dict[str, str]] = []

    def spy(request: Asked) -> None:
        if request.path.endswith("searchtasks"):
            searches.append(json.loads(request.body))

    with Sandbox(World(1, tasks=3)) as sandbox, in_front_of(sandbox, spy) as server:
        period = ("--from", start, "--to", end)
        process = program("backfill", *period, sandbox=sandbox, database=database, PYRUS_URL=server.url)

    assert process.returncode == 0, process.stderr
    seconds = [int(datetime.fromisoformat(f"{each}+00:00").timestamp()) for each in asked]
    first = [int(searches[0][name].removeprefix("/Date(").removesuffix(")/")) for name in ("ActiveFrom", "ActiveTo")]
    assert [milliseconds // 1000 for milliseconds in first] == seconds


@pytest.mark.parametrize(
    "wrong", [{"PYRUS_SECURITY_KEY": "canary"}, {"PYRUS_LOGIN": "nobody"}, {"PYRUS_ACCESS_TOKEN": "canary"}]
)
def test_a_refused_login_is_3(database: Secret, wrong: dict[str, str]) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        process = program("sync", sandbox=sandbox, database=database, **wrong)

    assert process.returncode == 3
    assert "refused" in sentence(process)
    assert "canary" not in process.stderr


def test_a_missing_login_is_2_and_names_the_settings(database: Secret) -> None:
    process = program("sync", database=database)

    assert process.returncode == 2
    assert "PYRUS_SECURITY_KEY" in sentence(process)


def test_a_host_that_answers_html_is_4(database: Secret, impatient: None) -> None:
    with scripted(lambda _: Reply(404, b"<html>It works!</html>")) as server:
        process = program("sync", database=database, PYRUS_URL=server.url, PYRUS_ACCESS_TOKEN="t")

    assert process.returncode == 4
    assert "HTML" in sentence(process)


def test_a_missing_database_is_5_and_its_password_is_not_shown() -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        url = Secret("postgresql://etl:canary@127.0.0.1:1/nowhere")
        process = program("sync", "--json", "--log-level", "DEBUG", sandbox=sandbox, database=url)

    assert process.returncode == 5
    assert "cannot be reached" in sentence(process)
    assert json.loads(process.stdout)["status"] == "failed"
    assert "canary" not in process.stderr + process.stdout


def test_a_database_without_the_schema_is_5_and_db_upgrade_fixes_it(empty_database: Secret) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        before = program("sync", sandbox=sandbox, database=empty_database)
        upgraded = program("db", "upgrade", database=empty_database)
        after = program("sync", sandbox=sandbox, database=empty_database)

    assert (before.returncode, upgraded.returncode, after.returncode) == (5, 0, 0)
    assert "run pyrus-etl db upgrade" in sentence(before)


def test_a_schema_of_another_revision_is_5(database: Secret, query: Query) -> None:
    query(database, "UPDATE pyrus.alembic_version SET version_num = '0000'")
    with Sandbox(World(1, tasks=3)) as sandbox:
        process = program("sync", sandbox=sandbox, database=database)

    assert process.returncode == 5
    assert "at revision 0000" in sentence(process)


def test_a_task_that_cannot_be_read_is_set_aside_with_6_and_retried(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        task_id = sandbox.world.task_ids()[0]
        good = sandbox.world.body(task_id)
        sandbox.world.put(task_id, b'{"TaskWithNotes": 5}')
        first = program("sync", sandbox=sandbox, database=database)
        listed = program("errors", "list", database=database)
        sandbox.world.put(task_id, good)
        retried = program("errors", "retry", sandbox=sandbox, database=database)

    assert (first.returncode, listed.returncode, retried.returncode) == (6, 0, 0)
    assert f"task {task_id}" in listed.stdout
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(10,)]
    assert query(database, "SELECT attempts, resolved_at IS NULL FROM pyrus.sync_errors") == [(1, False)]


def test_downgrading_needs_a_yes(database: Secret, query: Query) -> None:
    refused = program("db", "downgrade", "base", database=database)
    done = program("db", "downgrade", "base", "--yes", database=database)

    assert (refused.returncode, done.returncode) == (2, 0)
    assert query(database, "SELECT to_regclass('pyrus.tasks')") == [(None,)]


def test_db_check_reports_differences_as_one_json_object(database: Secret, query: Query) -> None:
    query(database, "ALTER TABLE pyrus.tasks ADD COLUMN mine int")
    process = program("db", "check", "--json", database=database)
    report = json.loads(process.stdout)

    assert process.returncode == 5
    assert len(report["differences"]) == 1
    assert "does not match the declared one" in sentence(process)


def test_nan_is_not_a_share(database: Secret) -> None:
    process = program("reconcile", "--max-deleted", "nan", database=database)

    assert process.returncode == 2
    assert "NaN is not a share" in process.stderr


def test_db_check_names_what_differs(database: Secret, query: Query) -> None:
    query(database, "ALTER TABLE pyrus.tasks ADD COLUMN flavour text")
    process = program("db", "check", database=database)

    assert process.returncode == 5
    assert "flavour" in process.stdout


def test_db_url_leaves_the_password_out() -> None:
    process = program("db", "url", database=Secret("postgresql://etl:canary@db.example:5433/pyrus?sslmode=require"))

    assert process.stdout == "postgresql://etl@db.example:5433/pyrus?sslmode=require\n"


@pytest.mark.parametrize("command", ["backfill", "sync", "reconcile", "check", "status", "demo"])
def test_every_command_has_an_example_in_its_help(command: str) -> None:
    process = program(command, "--help")

    assert process.returncode == 0
    assert f"pyrus-etl {command}" in process.stdout.partition("Usage:")[2].partition("\n")[2]


def test_help_is_fast_because_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pyrus_etl.cli import cli; cli(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)

    assert all(name in process.stdout for name in COMMANDS)
    for heavy in ("aiohttp", "sqlalchemy", "psycopg", "rich", "alembic", "msgspec"):
        assert f"'{heavy}'" not in process.stdout


def test_the_library_of_the_bar_is_loaded_only_on_a_terminal() -> None:
    code = "import sys; import pyrus_etl.cli.runs.runs; print('rich' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)

    assert process.stdout == "False\n"


def test_without_database_url_the_embedded_postgresql_is_used_and_stopped(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with Sandbox(World(1, tasks=12)) as sandbox:
        synced = program("sync", sandbox=sandbox, HOME=str(tmp_path), XDG_DATA_HOME=data)
        count = ("-c", "SELECT count(*) FROM pyrus.tasks")
        asked = program("db", "shell", "--", "-At", *count, HOME=str(tmp_path), XDG_DATA_HOME=data)

    assert (synced.returncode, asked.returncode) == (0, 0), synced.stderr + asked.stderr
    assert asked.stdout == "12\n"
    assert not list((tmp_path / "data").rglob("postmaster.pid"))


def test_a_token_in_a_file_is_enough(database: Secret, tmp_path: Path) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        file = tmp_path / "token"
        file.write_text(sandbox.token() + "\n", encoding="utf-8")
        environment = program_environment(
            None, database, PYRUS_API="v3", PYRUS_URL=sandbox.url, PYRUS_ACCESS_TOKEN_FILE=str(file)
        )
        command = [sys.executable, "-m", "pyrus_etl", "sync"]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    assert process.returncode == 0, process.stderr
