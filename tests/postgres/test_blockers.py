"""Other sessions' locks, and a time zone unknown to the server: the message names the cause and the remedy."""

from pathlib import Path

import psycopg
import pytest

from pyrus_etl.postgres.connection import connect
from pyrus_etl.settings import Secret
from tests.runs import program
from tests.typing import Query


@pytest.mark.parametrize(
    ("spoilt", "command", "locked"),
    [
        ("SELECT 1", "reports materialize clock", "pyrus_report.clock_materialized"),
        ("DROP VIEW pyrus_report.open_errors", "db upgrade", "pyrus_report.clock"),
    ],
)
def test_a_readers_lock_is_named_with_the_reader(
    each_database: Secret, query: Query, spoilt: str, command: str, locked: str, impatient: None
) -> None:
    query(each_database, spoilt)
    program("reports", "materialize", "clock", database=each_database)
    with psycopg.connect(each_database.reveal(), application_name="metabase") as reader:
        reader.execute(f"SELECT * FROM {locked}".encode())
        process = program(*command.split(), database=each_database)
        pid = reader.info.backend_pid

    assert (process.returncode, "Traceback" in process.stderr) == (5, False), process.stderr
    assert f"is locked by process {pid} (user postgres, metabase, in a transaction since " in process.stderr
    assert f"last statement: SELECT * FROM {locked}" in process.stderr
    assert f"SELECT pg_terminate_backend({pid})" in process.stderr
    assert "cannot be reached" not in process.stderr


@pytest.mark.parametrize(("command", "table"), [("status", "pyrus.tasks"), ("errors list", "pyrus.sync_errors")])
def test_a_command_that_shows_something_does_not_wait_for_a_locked_table(
    database: Secret, command: str, table: str
) -> None:
    with psycopg.connect(database.reveal(), application_name="psql") as other:
        other.execute(f"LOCK TABLE {table}".encode())
        process = program(*command.split(), database=database)
        pid = other.info.backend_pid

    assert (process.returncode, process.stdout) == (5, ""), process.stderr
    assert process.stderr.startswith(f"pyrus-etl: {table} is locked by process {pid} (user postgres, psql, in a ")
    assert f"end it with SELECT pg_terminate_backend({pid}), then run this again." in process.stderr


def test_figures_do_not_wait_for_a_locked_table(database: Secret, tmp_path: Path) -> None:
    """A monitor's other checks have ended by then, and count."""
    file = tmp_path / "pyrus_etl.prom"
    with psycopg.connect(database.reveal()) as other:
        other.execute("LOCK TABLE pyrus.sync_errors")
        process = program("status", "--quiet", "--metrics", str(file), database=database)

    assert (process.returncode, file.exists()) == (0, False), process.stderr


@pytest.mark.parametrize("command", ["reports refresh", "reports materialize clock", "report --html x.html", "check"])
def test_a_time_zone_that_the_server_does_not_know_is_named_and_can_be_set(
    database: Secret, query: Query, command: str
) -> None:
    query(database, "UPDATE pyrus.report_settings SET time_zone = 'Europe/Nowhere'")
    process = program(*command.split(), database=database)
    output = process.stdout + process.stderr

    assert (process.returncode, "Traceback" in output) == (2, False), output
    assert "'Europe/Nowhere', is not known to the database server" in output
    assert "PYRUS_ETL_TIME_ZONE=" in output

    assert program("reports", "refresh", database=database, PYRUS_ETL_TIME_ZONE="Europe/Moscow").returncode == 0
    assert program("report", "--html", "x.html", database=database).returncode == 0


RLS = "CREATE POLICY mine ON pyrus.{0} USING (false); ALTER TABLE pyrus.{0} ENABLE ROW LEVEL SECURITY; {1}"
"""Policies apply to the owner only if they are forced."""


@pytest.mark.parametrize("command", ["status", "db check"])
@pytest.mark.parametrize("table", ["tasks", "alembic_version", "persons"])
def test_rows_that_a_policy_may_hide_are_not_taken_for_missing(
    database: Secret, query: Query, table: str, command: str
) -> None:
    role = f"runner_{abs(hash(database.reveal() + table)) % 10**9}"
    query(database, RLS.format(table, f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA pyrus TO {role}"))
    query(database, f"GRANT SELECT ON ALL TABLES IN SCHEMA pyrus TO {role}")
    try:
        with connect(Secret(f"{database.reveal()}&options=-c%20role%3D{role}")):
            process = program(*command.split(), database=Secret(f"{database.reveal()}&options=-c%20role%3D{role}"))
    finally:
        query(database, f"DROP OWNED BY {role}; DROP ROLE {role}")

    assert process.returncode == 5, process.stderr
    assert f"Row level security may hide rows of pyrus.{table}" in process.stderr
    assert "DISABLE ROW LEVEL SECURITY" in process.stderr
