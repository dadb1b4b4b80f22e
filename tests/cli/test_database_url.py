"""The database that a command uses, and the errors if it cannot be used."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import program
from tests.typing import Query

CANARY = "postgresql://etl:canary@127.0.0.1:1/pyrus"


@pytest.mark.parametrize("command", ["db url", "db shell", "status", "check", "sync"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://etl:canary@[::1/pyrus",
        f"{CANARY}?pgbouncer=true",
        f"{CANARY}?schema=public",
        f"{CANARY}?sslmode=nonsense",
        "postgresql://etl:x@canary/word@127.0.0.1:1/pyrus",
        "postgresql://etl:canary@127.0.0.1:port/pyrus",
    ],
)
def test_a_url_that_cannot_be_parsed_is_one_sentence_in_every_command(command: str, url: str) -> None:
    process = program(*command.split(), DATABASE_URL=url)

    assert process.returncode == 2
    assert "Traceback" not in process.stderr
    assert "DATABASE_URL" in process.stdout + process.stderr
    assert "canary" not in process.stdout + process.stderr


@pytest.mark.parametrize("name", ["DATABSE_URL", "DATABASE_URl", "PYRUS_DATABASE_URL", "DATABASE_URL_FIL"])
@pytest.mark.parametrize("command", ["sync", "db upgrade"])
def test_a_misspelt_url_does_not_become_the_embedded_database(tmp_path: Path, command: str, name: str) -> None:
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), name: CANARY}
    process = program(*command.split(), sandbox=None, database=None, **environment)

    assert process.returncode == 2
    assert f"{name} is not a setting; rename it to DATABASE_URL" in process.stderr
    assert "canary" not in process.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_url_does_not_become_the_embedded_database(tmp_path: Path) -> None:
    process = program("sync", HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"), DATABASE_URL="")

    assert process.returncode == 2
    assert "DATABASE_URL is empty" in process.stderr
    assert list(tmp_path.iterdir()) == []


def test_other_variables_with_a_url_are_warned_of_once(tmp_path: Path) -> None:
    process = program("db", "url", XDG_DATA_HOME=str(tmp_path), PYRUS_LOGN="me", PG_URL=CANARY)
    warned = [line.partition(" WARNING ")[2] for line in process.stderr.splitlines()]

    assert process.returncode == 0
    assert warned == [
        "PYRUS_LOGN is not a setting and is ignored; did you mean PYRUS_LOGIN?",
        "Only DATABASE_URL is read, not PG_URL; the embedded PostgreSQL is used.",
    ]


def test_libpqs_variables_complete_a_url(database: Secret) -> None:
    parts = conninfo_to_dict(database.reveal())
    environment = {f"PG{name.upper()}": str(parts[name]) for name in ("host", "port", "user")}
    url = Secret(f"postgresql:///{parts['dbname']}")
    process = program("status", sandbox=None, database=url, **environment)

    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"PGOPTIONS": "-c datestyle=German -c standard_conforming_strings=off"},
        {"PGDATESTYLE": "SQL, DMY"},
        {"PGTZ": "Asia/Kolkata"},
        {"PGCLIENTENCODING": "LATIN1"},
        {"PGGEQO": "off"},
        {"PGTZ": "Nowhere/Land"},
        {"PGOPTIONS": "-c nonsense=1"},
        {"PGSERVICE": "nonsense"},
        {"PGTARGETSESSIONATTRS": "standby"},
    ],
    ids=str,
)
def test_libpqs_variables_are_without_effect_on_the_rows_or_refused_in_a_sentence(
    database: Secret, query: Query, environment: dict[str, str]
) -> None:
    with Sandbox(World(1, tasks=5)) as sandbox:
        process = program("sync", sandbox=sandbox, database=database, **environment)
        assert process.returncode in (0, 5), process.stderr
        assert "Traceback" not in process.stderr
        again = program("reconcile", sandbox=sandbox, database=database)

    assert again.returncode == 0, again.stderr
    if process.returncode == 0:
        assert "0 changed" in again.stdout, again.stdout
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(5,)]


def test_options_in_a_url_reach_psql_as_they_are_written(database: Secret) -> None:
    url = f"{database.reveal()}&options=-c%20statement_timeout%3D1234%20-c%20search_path%3Da%2Cb&application_name=a%2Bb"
    shown = program("db", "url", DATABASE_URL=url).stdout.strip()
    asked = program("db", "shell", "--", "-Atc", "SHOW statement_timeout", DATABASE_URL=url)

    assert conninfo_to_dict(shown) == conninfo_to_dict(url)
    assert asked.stdout == "1234ms\n", asked.stderr
