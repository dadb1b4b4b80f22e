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
from pyrus_etl.reports.access.grants import grant_reports
from pyrus_etl.reports.definitions import are_of_this_version
from pyrus_etl.reports.upgrade.migrate import differences, downgrade, upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.roles import as_role, give_all_to
from tests.runs import CHECKOUT, program, sync
from tests.typing import Query

VIEWS = "SELECT relname::text, oid::bigint FROM pg_class WHERE relnamespace = 'pyrus_report'::regnamespace ORDER BY 1"
MAY_READ = "SELECT bool_and(has_table_privilege(%s, oid, 'SELECT')) FROM pg_class WHERE relname = ANY (%s)"
OLD_PERSON_NAMES = "CREATE VIEW pyrus_report.person_names AS SELECT 1 AS other"
"""A view of another version that cannot be replaced in place."""


def names(views: list[tuple[str, int]]) -> list[str]:
    return [name for name, _ in views]


@pytest.fixture
def reader(synced: Secret, query: Query) -> Iterator[str]:
    """A role that may read the reports."""
    role = f"reader_{os.getpid()}"
    query(synced, f"CREATE ROLE {role}")
    with connect(synced) as connection:
        grant_reports(connection, role)
    yield role
    query(synced, f"DROP OWNED BY {role}")
    query(synced, f"DROP ROLE {role}")


@pytest.mark.parametrize("earlier", ["0001", "0002", "0003", "0004"])
def test_an_upgraded_database_equals_a_new_one(synced: Secret, sandbox: Sandbox, earlier: str) -> None:
    assert_upgraded(synced, sandbox, earlier)


def test_all_migrations_run_on_postgresql_15_too(synced_15: Secret, sandbox: Sandbox) -> None:
    assert_upgraded(synced_15, sandbox, "0001")


def assert_upgraded(database: Secret, sandbox: Sandbox, earlier: str) -> None:
    """Downgrades a database with rows to an earlier revision, and upgrades it."""
    downgrade(database, earlier)
    upgrade(database)
    assert differences(database) == []

    assert program("db", "rebuild", database=database).returncode == 0
    assert_tables_equal_world(database, sandbox.world)


def test_a_large_table_of_bodies_is_not_rewritten_to_add_is_doubted(each_database: Secret, query: Query) -> None:
    file = "SELECT pg_relation_filenode('pyrus.raw_tasks')"
    downgrade(each_database, "0004")
    before = query(each_database, file)
    upgrade(each_database)

    assert query(each_database, file) == before


def test_an_upgrade_moves_what_lists_showed_to_the_account_that_has_used_the_database(
    each_database: Secret, query: Query
) -> None:
    sightings = "SELECT task_id, account_id, listed_date, is_reader FROM pyrus.task_sightings ORDER BY 1"
    with Sandbox(World(42, tasks=20)) as sandbox:
        sandbox.world.put(5, b"no JSON")
        sync(sandbox, each_database)
        before = query(each_database, sightings)
        errors = query(each_database, "SELECT * FROM pyrus.sync_errors")
        downgrade(each_database, "0007")
        upgrade(each_database)
        sandbox.requests.clear()
        sync(sandbox, each_database)

    assert len(before) == 20
    assert query(each_database, sightings) == before
    assert sandbox.requests.endpoints["task"] == 9  # the task that cannot be read, nine times
    account = query(each_database, "SELECT account_id FROM pyrus.sync_cursors")
    assert query(each_database, "SELECT task_id, account_id, attempts FROM pyrus.sync_errors") == [(5, *account[0], 2)]
    assert len(errors) == 1


def test_an_upgrade_knows_which_tasks_are_closed_and_when_they_were_fetched(synced: Secret, query: Query) -> None:
    closed = "SELECT count(*) FILTER (WHERE is_closed), count(*) FILTER (WHERE close_date IS NOT NULL) FROM pyrus.tasks"
    differ = "SELECT count(*) FROM pyrus.tasks LEFT JOIN pyrus.raw_tasks USING (task_id)"
    last_notes = "SELECT task_id, last_note_id FROM pyrus.tasks WHERE last_note_id IS NOT NULL ORDER BY 1"
    before = query(synced, last_notes)
    query(synced, "INSERT INTO pyrus.tasks (task_id, asap, is_any_rejected) VALUES (-1, false, false)")
    downgrade(synced, "0008")
    upgrade(synced)
    is_closed, has_date = query(synced, closed)[0]

    assert is_closed == has_date > 0
    assert query(synced, last_notes) == before != []
    assert query(synced, f"{differ} WHERE detail_at IS DISTINCT FROM fetched_at") == [(0,)]
    assert query(synced, "SELECT detail_at, is_closed FROM pyrus.tasks WHERE task_id = -1") == [(None, False)]


def test_a_downgrade_leaves_no_body_that_an_earlier_version_cannot_read(database: Secret, query: Query) -> None:
    query(database, "INSERT INTO pyrus.tasks (task_id, asap, is_any_rejected) SELECT unnest(ARRAY[1, 2]), false, false")
    query(
        database,
        "INSERT INTO pyrus.raw_tasks (task_id, payload, payload_sha256, fetched_at, api) "
        "VALUES (1, '{}', '', now(), 'v3'), (2, '{}', '', now(), 'v4')",
    )
    query(database, "INSERT INTO pyrus.sync_cursors VALUES (5, 'tasks', now(), now())")
    downgrade(database, "0008")

    assert query(database, "SELECT task_id FROM pyrus.raw_tasks") == [(1,)]
    assert query(database, "SELECT * FROM pyrus.sync_cursors") == []  # so that the next sync fetches the tasks again


def test_if_several_accounts_used_a_database_each_is_taken_to_see_its_tasks(database: Secret, query: Query) -> None:
    """So a census of one of them marks nothing that only another sees; the account of the last cursor reads them."""
    query(database, "INSERT INTO pyrus.tasks (task_id, asap, is_any_rejected) VALUES (1, false, false)")
    query(
        database,
        "INSERT INTO pyrus.sync_cursors VALUES (7, 'tasks', now(), now()), (8, 'tasks', now() - interval '1 h', now())",
    )
    query(
        database,
        "INSERT INTO pyrus.sync_runs (run_id, account_id, kind, status, started_at) "
        "VALUES (gen_random_uuid(), 9, 'sync', 'failed', now())",
    )
    downgrade(database, "0007")
    upgrade(database)

    assert query(database, "SELECT account_id, is_reader FROM pyrus.task_sightings ORDER BY 1") == [
        (7, True),
        (8, False),
        (9, False),
    ]


def test_a_downgrade_keeps_the_readers_dates_and_one_open_error_of_each_task(database: Secret, query: Query) -> None:
    query(database, "INSERT INTO pyrus.tasks (task_id, asap, is_any_rejected) VALUES (1, false, false)")
    query(
        database,
        "INSERT INTO pyrus.raw_tasks (task_id, payload, payload_sha256, fetched_at) VALUES (1, '{}', '', now())",
    )
    query(
        database,
        "INSERT INTO pyrus.task_sightings VALUES (1, 7, '2026-01-07', now(), false), (1, 8, '2026-01-08', now(), true)",
    )
    query(
        database,
        """
        INSERT INTO pyrus.sync_errors (account_id, task_id, stage, error, first_seen_at, last_seen_at, attempts)
        SELECT account_id, 1, 'fetch', 'of ' || account_id, now(), now(), 1 FROM unnest(ARRAY[7, 8]) AS account_id
        """,
    )
    downgrade(database, "0007")

    assert query(database, "SELECT listed_date::date::text FROM pyrus.raw_tasks") == [("2026-01-08",)]
    assert query(database, "SELECT error FROM pyrus.sync_errors") == [("of 8",)]


def test_users_views_on_the_report_that_loses_a_column_stay(database: Secret, query: Query) -> None:
    """The report of revision 0007 read raw_tasks.listed_date."""
    downgrade(database, "0007")
    query(database, "CREATE SCHEMA IF NOT EXISTS pyrus_report")
    query(
        database,
        """
        CREATE VIEW pyrus_report.sync_lag AS
        SELECT NULL::text AS scope, listed_date::date AS day, NULL::uuid AS run_id, NULL::bigint AS account_id,
               NULL::text AS kind, NULL::timestamptz AS started_at, NULL::bigint AS tasks,
               NULL::numeric AS lag_p50_seconds, NULL::numeric AS lag_p85_seconds, NULL::numeric AS lag_p95_seconds,
               NULL::numeric AS lag_max_seconds
        FROM pyrus.raw_tasks
        """,
    )
    query(database, "CREATE VIEW public.mine AS SELECT day, lag_max_seconds FROM pyrus_report.sync_lag")
    upgrade(database)

    assert query(database, "TABLE public.mine") == []
    assert differences(database) == []


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


def test_views_are_replaced_in_place(synced: Secret, query: Query) -> None:
    before = query(synced, VIEWS)
    query(
        synced,
        "CREATE OR REPLACE VIEW pyrus_report.clock AS SELECT now() AS now, current_date AS today, 'Mars' AS time_zone",
    )
    upgrade(synced)

    assert query(synced, VIEWS) == before
    assert query(synced, "SELECT time_zone FROM pyrus_report.clock") == [("UTC",)]


def test_if_a_view_cannot_be_replaced_in_place_all_are_recreated(synced: Secret, query: Query) -> None:
    before = query(synced, VIEWS)
    query(synced, "DROP VIEW pyrus_report.person_names CASCADE")
    query(synced, OLD_PERSON_NAMES)
    upgrade(synced)

    assert names(query(synced, VIEWS)) == names(before)
    assert query(synced, "SELECT count(*) > 0 FROM pyrus_report.person_names WHERE name IS NOT NULL") == [(True,)]


def test_privileges_survive_recreated_views(synced: Secret, query: Query, reader: str) -> None:
    query(synced, "DROP VIEW pyrus_report.person_names CASCADE")
    query(synced, OLD_PERSON_NAMES)
    upgrade(synced)

    assert query(synced, MAY_READ, reader, names(query(synced, VIEWS))) == [(True,)]


def test_users_views_on_a_report_stay_if_possible(synced: Secret, query: Query) -> None:
    query(synced, "CREATE VIEW public.mine AS SELECT task_id, amount FROM pyrus_report.form_purchase_request")
    query(synced, "CREATE VIEW pyrus_report.mine_too AS SELECT name FROM pyrus_report.person_names")
    before = query(synced, "TABLE public.mine"), query(synced, VIEWS)
    upgrade(synced)

    assert (query(synced, "TABLE public.mine"), query(synced, VIEWS)) == before


def test_a_users_view_that_prevents_an_upgrade_is_named_and_nothing_is_done(synced: Secret, query: Query) -> None:
    query(synced, "DROP VIEW pyrus_report.person_names CASCADE")
    query(synced, OLD_PERSON_NAMES)
    query(synced, "CREATE VIEW public.mine AS TABLE pyrus_report.person_names")
    before = query(synced, VIEWS)

    with pytest.raises(DatabaseUnavailable, match=r"Drop them, run pyrus-etl db upgrade, .*: view mine depends on"):
        upgrade(synced)
    assert query(synced, VIEWS) == before
    assert query(synced, "TABLE public.mine") == [(1,)]


def test_a_users_view_on_a_table_that_must_be_dropped_is_named(database: Secret, query: Query) -> None:
    query(database, "CREATE VIEW public.mine AS TABLE pyrus.form_fields")

    with pytest.raises(DatabaseUnavailable, match=r"An object of yours depends on .*: view mine depends on"):
        downgrade(database, "0001")
    assert differences(database) == []


def test_a_downgrade_drops_the_reports_and_no_object_of_users(synced: Secret, query: Query) -> None:
    query(synced, "CREATE VIEW pyrus_report.mine AS SELECT 1 AS one")
    downgrade(synced, "0001")

    assert names(query(synced, VIEWS)) == ["mine"]
    assert query(synced, "SELECT count(*) FROM pyrus.tasks") == [(60,)]


def test_views_of_another_version_are_detected(database: Secret, query: Query) -> None:
    with connect(database) as connection:
        assert are_of_this_version(connection)

        query(database, "COMMENT ON SCHEMA pyrus_report IS 'Reports with the hash of another version.'")
        assert not are_of_this_version(connection)

        upgrade(database)
        assert are_of_this_version(connection)


def test_an_upgrade_brings_a_new_way_to_show_a_field(
    synced: Secret, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    shouted = "SELECT count(*) FROM pg_views WHERE viewname LIKE 'form%' AND definition LIKE '%upper(max(%'"
    shouting = family_of("Text")._replace(aggregate="upper(max(value_text) {only})")
    monkeypatch.setitem(fields._BY_TYPE, "Text", shouting)
    assert query(synced, shouted) == [(0,)]

    upgrade(synced)
    assert query(synced, shouted)[0][0] > 0


def test_alembic_run_manually_leaves_the_views_alone(synced: Secret, query: Query) -> None:
    before = query(synced, VIEWS)
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": synced.reveal(), "HOME": os.environ["HOME"]}
    command = [sys.executable, "-m", "alembic", "-c", str(CHECKOUT / "alembic.ini"), "current"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert result.stdout.startswith(REVISION)
    assert query(synced, VIEWS) == before


def test_a_role_that_does_not_own_the_schema_can_upgrade_it(database: Secret, query: Query) -> None:
    """It may not comment on the schema to remember that the tables are those declared; they are compared each time."""
    role, remembered = f"tenant_{os.getpid()}", "SELECT obj_description('pyrus'::regnamespace) IS NOT NULL"
    assert query(database, remembered) == [(True,)]

    query(database, f"CREATE ROLE {role} LOGIN")
    with connect(database) as connection:
        give_all_to(connection, role)
    query(database, f"ALTER SCHEMA pyrus OWNER TO postgres; GRANT ALL ON SCHEMA pyrus TO {role}")
    query(database, "COMMENT ON SCHEMA pyrus IS NULL; COMMENT ON SCHEMA pyrus_report IS 'Of another version'")
    upgrade(as_role(database, role))
    assert differences(database) == []
    assert query(database, remembered) == [(False,)]

    query(database, f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_a_users_comment_on_the_schema_of_the_tables_stays(database: Secret, query: Query) -> None:
    query(database, "COMMENT ON SCHEMA pyrus IS 'Ours'; COMMENT ON SCHEMA pyrus_report IS 'Of another version'")
    upgrade(database)

    assert query(database, "SELECT obj_description('pyrus'::regnamespace)") == [("Ours",)]
    assert differences(database) == []


def test_an_upgrade_without_changes_locks_nothing(synced: Secret) -> None:
    with connect(synced) as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM pyrus_report.project_paths")

        upgrade(synced)  # if it changed a view, it would wait for the reader and give up


def test_a_missing_view_is_recreated(synced: Secret, query: Query) -> None:
    query(synced, "DROP VIEW pyrus_report.open_errors")
    upgrade(synced)

    assert "open_errors" in names(query(synced, VIEWS))
