"""The reports from the command line: `reports refresh`, `db grant`, the time zone, and hints about pending fields."""

import json
import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.cli.test_program import sentence
from tests.runs import program, sync
from tests.typing import Query

ZONE = "SELECT time_zone FROM pyrus_report.clock"
VIEWS = "SELECT relname::text FROM pg_class WHERE relnamespace = 'pyrus_report'::regnamespace ORDER BY 1"
MADE = "SELECT view_name FROM pyrus.report_views UNION SELECT view_name FROM pyrus.report_catalogs"
FORGET_A_FIELD = """
    DELETE FROM pyrus.report_columns WHERE column_name = 'status' AND view_name = 'form_purchase_request'
"""


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(World(51, tasks=60)) as sandbox:
        yield sandbox


@pytest.fixture
def synced(world: Sandbox, database: Secret) -> Secret:
    """A database after a sync, without views of forms."""
    sync(world, database)
    return database


@pytest.fixture
def role(database: Secret, query: Query) -> Iterator[str]:
    """A role that may only log in."""
    name = f"guest_{os.getpid()}"
    query(database, f"CREATE ROLE {name} LOGIN")
    yield name
    query(database, f"DROP OWNED BY {name}")
    query(database, f"DROP ROLE {name}")


def as_role(role: str, database: Secret) -> Secret:
    return Secret(database.reveal().replace("postgres@", f"{role}@", 1))


def test_refresh_creates_a_view_for_every_form_and_reports_it(synced: Secret, query: Query) -> None:
    process = program("reports", "refresh", database=synced)
    again = json.loads(program("reports", "refresh", "--json", database=synced).stdout)

    assert "pyrus_report.form_purchase_request: created, 18 new columns" in process.stdout.splitlines()
    assert (again["views_made"], again["columns_made"]) == ([], {})
    assert set(again["views"]) <= {name for (name,) in query(synced, VIEWS)}


def test_the_first_complete_run_makes_the_views_of_forms_and_says_so(
    world: Sandbox, database: Secret, query: Query
) -> None:
    """Later runs leave them alone, and say if they lack fields."""
    line = "Reports: pyrus_report now has 6 views of forms and catalogs"
    stopped = program("backfill", "--max-requests", "9", sandbox=world, database=database)
    assert (stopped.returncode, "Reports:" in stopped.stdout) == (0, False)
    assert query(database, MADE) == []

    first = program("backfill", sandbox=world, database=database)
    assert first.stdout.splitlines()[-1].startswith(line), first.stderr
    assert len(query(database, MADE)) == 6
    assert query(database, "SELECT count(*) FROM pyrus_report.form_purchase_request") > [(5,)]

    query(database, FORGET_A_FIELD)
    later = program("sync", sandbox=world, database=database)
    assert "Reports:" not in later.stdout
    assert "fields without a column: 1 (run pyrus-etl reports refresh)" in later.stderr


def test_a_role_that_may_make_no_views_syncs_all_the_same(
    world: Sandbox, database: Secret, role: str, query: Query
) -> None:
    query(database, f"GRANT USAGE ON SCHEMA pyrus TO {role}")
    query(database, f"GRANT ALL ON ALL TABLES IN SCHEMA pyrus TO {role}")
    first = program("sync", "--json", sandbox=world, database=as_role(role, database), PYRUS_API="v4")

    assert (first.returncode, "refreshed" in json.loads(first.stdout)) == (0, False)
    assert (
        f"the role {role} may not make views in pyrus_report; run pyrus-etl reports refresh as the owner"
        in first.stderr
    )
    assert query(database, MADE) == []


def test_refresh_on_an_empty_database_says_what_to_do(database: Secret) -> None:
    assert "run pyrus-etl sync first" in program("reports", "refresh", database=database).stdout


def test_refresh_without_the_right_to_make_views_is_5(synced: Secret, role: str, query: Query) -> None:
    query(synced, f"GRANT USAGE ON SCHEMA pyrus TO {role}")
    query(synced, f"GRANT ALL ON ALL TABLES IN SCHEMA pyrus TO {role}")
    process = program("reports", "refresh", database=as_role(role, synced))

    assert process.returncode == 5
    assert "lacks a right: permission denied for schema pyrus_report" in sentence(process)


@pytest.mark.parametrize("command", ["db upgrade", "reports refresh"])
def test_the_time_zone_of_the_reports_is_set_and_stays(database: Secret, query: Query, command: str) -> None:
    program(*command.split(), database=database, PYRUS_ETL_TIME_ZONE="europe/moscow")
    program(*command.split(), database=database)

    assert query(database, ZONE) == [("Europe/Moscow",)]


@pytest.mark.parametrize("command", ["db upgrade", "reports refresh"])
@pytest.mark.parametrize("zone", ["Europe/Atlantis", "UTC+3", "'; DROP"])
def test_an_unknown_time_zone_is_2(database: Secret, query: Query, command: str, zone: str) -> None:
    process = program(*command.split(), database=database, PYRUS_ETL_TIME_ZONE=zone)

    assert process.returncode == 2
    assert f"PYRUS_ETL_TIME_ZONE: PostgreSQL does not know the time zone {zone!r}" in sentence(process)
    assert query(database, ZONE) == [("UTC",)]


def test_a_role_reads_all_reports_and_nothing_else(synced: Secret, role: str, query: Query) -> None:
    assert program("db", "grant", role, database=synced).returncode == 0
    program("reports", "refresh", database=synced)  # also creates views after the grant
    tables = query(
        synced, "SELECT relname::text FROM pg_class WHERE relnamespace = 'pyrus'::regnamespace AND relkind = 'r'"
    )

    with psycopg.connect(as_role(role, synced).reveal(), autocommit=True) as reader:
        for (view,) in query(synced, VIEWS):
            reader.execute(f"SELECT * FROM pyrus_report.{view}".encode())
        for table in (f"pyrus.{name}" for (name,) in tables):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT * FROM {table}".encode())
        for statement in ("DELETE FROM pyrus_report.person_names", "CREATE VIEW pyrus_report.mine AS SELECT 1"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
                reader.execute(statement.encode())


def test_a_role_reads_the_tasks_of_some_forms_until_that_is_taken_back(synced: Secret, role: str, query: Query) -> None:
    ((form, tasks),) = query(synced, "SELECT form_id, count(*) FROM pyrus.tasks GROUP BY 1 ORDER BY 1 LIMIT 1")
    granted = program("db", "grant", role, "--forms", f"{form}, {form}", "--tables", database=synced)
    own, of_reports = f"(schema pyrus_{role})", f"(schema pyrus_report_{role})"
    assert granted.stdout.startswith(
        f"{role} can read the reports of these tasks {of_reports}, and the tables {own}.\n"
    )
    with psycopg.connect(as_role(role, synced).reveal(), autocommit=True) as reader:
        for view in (f"pyrus_{role}.tasks", f"pyrus_report_{role}.task_overview"):
            assert reader.execute(f"SELECT count(*) FROM {view}".encode()).fetchone() == (tasks,)

    assert program("db", "revoke", role, database=synced).stdout == f"{role} can read neither reports nor tables.\n"
    assert query(synced, "SELECT 1 FROM pg_namespace WHERE nspname LIKE %s", f"%{role}") == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--forms 12;34", "--forms: '12;34' is not a list of ids; write it like 12,34."),
        ("--projects 7", "--projects: no project with the id 7 is stored; pyrus.projects has those that are."),
    ],
)
def test_wrong_ids_are_2(database: Secret, role: str, options: str, problem: str) -> None:
    process = program("db", "grant", role, *options.split(), database=database)

    assert (process.returncode, problem in sentence(process)) == (2, True), process.stderr


def test_granting_can_be_repeated_and_survives_an_upgrade(database: Secret, role: str, query: Query) -> None:
    granted = f"{role} can read the reports (schema pyrus_report).\n"
    name = conninfo_to_dict(database.reveal())["dbname"]
    defaults = [f'ALTER DATABASE "{name}" SET {one}' for one in ("jit = 'off'", "TimeZone = 'UTC'")]
    assert program("db", "grant", role, database=database).stdout == granted + "".join(
        f"Set for new sessions: {statement}\n" for statement in defaults
    )
    assert program("db", "grant", role, database=database).stdout == granted
    query(database, "DROP SCHEMA pyrus_report CASCADE")
    upgrade(database)

    process = program("db", "grant", role, database=database)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("name", ["nobody_of_that_name", 'no"body', "none"])
def test_a_missing_role_is_2(database: Secret, name: str) -> None:
    process = program("db", "grant", name, database=database)

    assert process.returncode == 2
    assert f"There is no role {name!r} in this database" in sentence(process)


def test_a_role_without_a_name_is_2(database: Secret) -> None:
    process = program("db", "grant", "", database=database)

    assert process.returncode == 2
    assert "ROLE: name the role" in sentence(process)


@pytest.mark.parametrize("name", ["public", "PUBLIC"])
def test_public_is_not_a_role_and_is_2(database: Secret, query: Query, name: str) -> None:
    process = program("db", "grant", name, database=database)

    assert process.returncode == 2
    assert "ROLE: public is every user, not a role" in sentence(process)
    assert query(database, "SELECT has_schema_privilege('public', 'pyrus_report', 'USAGE')") == [(False,)]


@pytest.fixture
def owner(database: Secret, role: str, query: Query) -> Iterator[Secret]:
    """The database for a role that is not a superuser and owns everything of pyrus-etl."""
    name = f"owner_{os.getpid()}"
    query(database, f"CREATE ROLE {name} LOGIN")
    for schema in ("pyrus", "pyrus_report"):
        query(database, f"ALTER SCHEMA {schema} OWNER TO {name}")
        relations = f"SELECT relname::text FROM pg_class WHERE relnamespace = '{schema}'::regnamespace"
        for (relation,) in query(database, f"{relations} AND relkind IN ('r', 'v')"):
            query(database, f"ALTER TABLE {schema}.{relation} OWNER TO {name}")
    yield as_role(name, database)
    query(database, f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def test_views_of_others_among_the_reports_are_theirs_to_grant(
    database: Secret, owner: Secret, role: str, query: Query
) -> None:
    query(database, "CREATE VIEW pyrus_report.of_another AS SELECT 1")
    process = program("db", "grant", role, database=owner)

    assert process.returncode == 0, process.stderr
    readable = (
        f"SELECT has_table_privilege('{role}', 'pyrus_report.' || name, 'SELECT') FROM unnest(%s::text[]) AS name"
    )
    assert query(database, readable, ["task_overview", "of_another"]) == [(True,), (False,)]


def test_a_report_of_another_owner_cannot_be_granted_and_is_5(
    database: Secret, owner: Secret, role: str, query: Query
) -> None:
    query(database, "ALTER VIEW pyrus_report.task_overview OWNER TO postgres")
    process = program("db", "grant", role, database=owner)

    assert process.returncode == 5
    assert "of DATABASE_URL may not grant the reports" in sentence(process)


@pytest.mark.parametrize(
    "rights",
    [
        "GRANT USAGE ON SCHEMA pyrus TO {0}",
        "GRANT USAGE ON SCHEMA pyrus, pyrus_report TO {0}",
        "GRANT USAGE ON SCHEMA pyrus, pyrus_report TO {0}; GRANT SELECT ON ALL TABLES IN SCHEMA pyrus_report TO {0}",
    ],
)
def test_a_role_that_may_not_grant_is_5(database: Secret, role: str, query: Query, rights: str) -> None:
    query(database, f"{rights.format(role)}; GRANT SELECT ON pyrus.alembic_version TO {role}")
    process = program("db", "grant", "pg_monitor", database=as_role(role, database))

    assert process.returncode == 5
    assert f"The role {role} of DATABASE_URL may not grant the reports" in sentence(process)


def test_new_fields_are_hinted_at_once_there_are_wide_views(synced: Secret, world: Sandbox, query: Query) -> None:
    hint = "fields without a column: 1 (run pyrus-etl reports refresh)"
    before = program("sync", sandbox=world, database=synced)
    program("reports", "refresh", database=synced)
    none = program("sync", sandbox=world, database=synced)
    query(synced, FORGET_A_FIELD)
    waiting = [program(command, sandbox=world, database=synced) for command in ("sync", "reconcile", "backfill")]

    assert "without a column" not in before.stderr + none.stderr
    assert [hint in run.stderr for run in waiting] == [True, True, True]


def test_status_shows_pending_fields(synced: Secret, query: Query) -> None:
    before = json.loads(program("status", "--json", database=synced).stdout)
    program("reports", "refresh", database=synced)
    after = program("status", database=synced).stdout
    query(synced, FORGET_A_FIELD)
    waiting = program("status", database=synced).stdout

    assert (before["wide_views"], before["fields_waiting"] > 40) == (0, True)
    assert after.endswith("Views of forms and catalogs: 6\n")
    assert waiting.endswith(
        "Views of forms and catalogs: 6; fields without a column: 1 (run pyrus-etl reports refresh)\n"
    )


def test_a_report_is_materialised_refreshed_and_dropped(synced: Secret, role: str, query: Query) -> None:
    program("db", "grant", role, database=synced)
    made = program("reports", "materialize", "task_timeline", "clock", database=synced)
    refreshed = program("reports", "refresh", database=synced)
    with psycopg.connect(as_role(role, synced).reveal(), autocommit=True) as reader:
        read = reader.execute("SELECT count(*) FROM pyrus_report.task_timeline_materialized").fetchall()
    dropped = program("reports", "materialize", "--drop", "clock", database=synced)

    up_to_date = "pyrus_report.clock_materialized: up to date\npyrus_report.task_timeline_materialized: up to date\n"
    assert sorted(made.stdout.splitlines(keepends=True)) == up_to_date.splitlines(keepends=True)
    assert refreshed.stdout.endswith(up_to_date)
    assert read == query(synced, "SELECT count(*) FROM pyrus_report.task_timeline")
    assert dropped.stdout == "pyrus_report.clock_materialized: dropped\n"
    assert ("clock_materialized",) not in query(synced, VIEWS)


def test_materialising_an_unknown_report_is_2(synced: Secret) -> None:
    process = program("reports", "materialize", "task_timelin", database=synced)

    assert process.returncode == 2
    assert "There is no report 'task_timelin' in pyrus_report" in sentence(process)
