"""`db upgrade` and `db downgrade`: old databases, the reports, and what users built on them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pyrus_etl import fields
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.fields import family_of
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.definitions import are_of_this_version
from pyrus_etl.reports.grants import grant_reports
from pyrus_etl.reports.migrate import differences, downgrade, upgrade
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.runs import CHECKOUT, program, sync
from tests.typing import Query

VIEWS = "SELECT relname::text, oid::bigint FROM pg_class WHERE relnamespace = 'pyrus_report'::regnamespace ORDER BY 1"
MAY_READ = "SELECT bool_and(has_table_privilege(%s, oid, 'SELECT')) FROM pg_class WHERE relname = ANY (%s)"
OLD_PERSON_NAMES = "CREATE VIEW pyrus_report.person_names AS SELECT 1 AS other"
"""A view of another version that cannot be replaced in place."""


def names(views: list[tuple[str, int]]) -> list[str]:
    return [name for name, _ in views]


@pytest.fixture
def forms(database: Secret) -> Secret:
    """A database with wide views of five forms."""
    with Sandbox(World(41, tasks=60)) as sandbox:
        sync(sandbox, database)
    with connect(database) as connection:
        refresh(connection)
    return database


@pytest.fixture
def reader(database: Secret, query: Query) -> Iterator[str]:
    """A role that may read the reports."""
    role = f"reader_{os.getpid()}"
    query(database, f"CREATE ROLE {role}")
    with connect(database) as connection:
        grant_reports(connection, role)
    yield role
    query(database, f"DROP OWNED BY {role}")
    query(database, f"DROP ROLE {role}")


@pytest.mark.parametrize("earlier", ["0001", "0002", "0003", "0004"])
def test_an_upgraded_database_equals_a_new_one(each_database: Secret, earlier: str) -> None:
    with Sandbox(World(42, tasks=120)) as sandbox:
        sync(sandbox, each_database)
        downgrade(each_database, earlier)
        upgrade(each_database)
        assert differences(each_database) == []

        assert program("db", "rebuild", database=each_database).returncode == 0
        assert_tables_equal_world(each_database, sandbox.world)


def test_a_large_table_of_bodies_is_not_rewritten_to_add_is_doubted(each_database: Secret, query: Query) -> None:
    file = "SELECT pg_relation_filenode('pyrus.raw_tasks')"
    downgrade(each_database, "0004")
    before = query(each_database, file)
    upgrade(each_database)

    assert query(each_database, file) == before


def test_runs_that_could_not_log_in_do_not_prevent_a_downgrade(database: Secret, query: Query) -> None:
    query(
        database,
        """
        INSERT INTO pyrus.sync_runs (run_id, account_id, kind, status, started_at)
        VALUES (gen_random_uuid(), NULL, 'sync', 'failed', now()), (gen_random_uuid(), 7, 'sync', 'ok', now())
        """,
    )
    downgrade(database, "0004")
    upgrade(database)

    assert query(database, "SELECT account_id, login FROM pyrus.sync_runs") == [(7, None)]


def test_views_are_replaced_in_place(forms: Secret, query: Query) -> None:
    before = query(forms, VIEWS)
    query(
        forms,
        "CREATE OR REPLACE VIEW pyrus_report.clock AS SELECT now() AS now, current_date AS today, 'Mars' AS time_zone",
    )
    upgrade(forms)

    assert query(forms, VIEWS) == before
    assert query(forms, "SELECT time_zone FROM pyrus_report.clock") == [("UTC",)]


def test_if_a_view_cannot_be_replaced_in_place_all_are_recreated(forms: Secret, query: Query) -> None:
    before = query(forms, VIEWS)
    query(forms, "DROP VIEW pyrus_report.person_names CASCADE")
    query(forms, OLD_PERSON_NAMES)
    upgrade(forms)

    assert names(query(forms, VIEWS)) == names(before)
    assert query(forms, "SELECT count(*) > 0 FROM pyrus_report.person_names WHERE name IS NOT NULL") == [(True,)]


def test_privileges_survive_recreated_views(forms: Secret, query: Query, reader: str) -> None:
    query(forms, "DROP VIEW pyrus_report.person_names CASCADE")
    query(forms, OLD_PERSON_NAMES)
    upgrade(forms)

    assert query(forms, MAY_READ, reader, names(query(forms, VIEWS))) == [(True,)]


def test_users_views_on_a_report_stay_if_possible(forms: Secret, query: Query) -> None:
    query(forms, "CREATE VIEW public.mine AS SELECT task_id, amount FROM pyrus_report.form_purchase_request")
    query(forms, "CREATE VIEW pyrus_report.mine_too AS SELECT name FROM pyrus_report.person_names")
    before = query(forms, "TABLE public.mine"), query(forms, VIEWS)
    upgrade(forms)

    assert (query(forms, "TABLE public.mine"), query(forms, VIEWS)) == before


def test_a_users_view_that_prevents_an_upgrade_is_named_and_nothing_is_done(forms: Secret, query: Query) -> None:
    query(forms, "DROP VIEW pyrus_report.person_names CASCADE")
    query(forms, OLD_PERSON_NAMES)
    query(forms, "CREATE VIEW public.mine AS TABLE pyrus_report.person_names")
    before = query(forms, VIEWS)

    with pytest.raises(DatabaseUnavailable, match=r"Drop them, run pyrus-etl db upgrade, .*: view mine depends on"):
        upgrade(forms)
    assert query(forms, VIEWS) == before
    assert query(forms, "TABLE public.mine") == [(1,)]


def test_a_users_view_on_a_table_that_must_be_dropped_is_named(database: Secret, query: Query) -> None:
    query(database, "CREATE VIEW public.mine AS TABLE pyrus.form_fields")

    with pytest.raises(DatabaseUnavailable, match=r"An object of yours depends on .*: view mine depends on"):
        downgrade(database, "0001")
    assert differences(database) == []


def test_a_downgrade_drops_the_reports_and_no_object_of_users(forms: Secret, query: Query) -> None:
    query(forms, "CREATE VIEW pyrus_report.mine AS SELECT 1 AS one")
    downgrade(forms, "0001")

    assert names(query(forms, VIEWS)) == ["mine"]
    assert query(forms, "SELECT count(*) FROM pyrus.tasks") == [(60,)]


def test_views_of_another_version_are_detected(database: Secret, query: Query) -> None:
    with connect(database) as connection:
        assert are_of_this_version(connection)

        query(database, "COMMENT ON SCHEMA pyrus_report IS 'Reports with the hash of another version.'")
        assert not are_of_this_version(connection)

        upgrade(database)
        assert are_of_this_version(connection)


def test_an_upgrade_brings_a_new_way_to_show_a_field(
    forms: Secret, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    shouted = "SELECT count(*) FROM pg_views WHERE viewname LIKE 'form%' AND definition LIKE '%upper(max(%'"
    shouting = family_of("Text")._replace(aggregate="upper(max(value_text) {only})")
    monkeypatch.setitem(fields._BY_TYPE, "Text", shouting)
    assert query(forms, shouted) == [(0,)]

    upgrade(forms)
    assert query(forms, shouted)[0][0] > 0


def test_alembic_run_manually_leaves_the_views_alone(forms: Secret, query: Query) -> None:
    before = query(forms, VIEWS)
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": forms.reveal(), "HOME": os.environ["HOME"]}
    command = [sys.executable, "-m", "alembic", "-c", str(CHECKOUT / "alembic.ini"), "current"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert result.stdout.startswith(REVISION)
    assert query(forms, VIEWS) == before


def test_an_upgrade_without_changes_locks_nothing(forms: Secret) -> None:
    with connect(forms) as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM pyrus_report.project_paths")

        upgrade(forms)  # if it changed a view, it would wait for the reader and give up


def test_a_missing_view_is_recreated(forms: Secret, query: Query) -> None:
    query(forms, "DROP VIEW pyrus_report.open_errors")
    upgrade(forms)

    assert "open_errors" in names(query(forms, VIEWS))
