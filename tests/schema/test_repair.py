"""Missing objects: `db check` names them, `db upgrade` recreates them, and the next sync fetches their rows."""

import subprocess

import psycopg
import pytest

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.programs import program as installed
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import differences, upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.runs import program, sync
from tests.typing import Query

MISSING = {
    "index": ("DROP INDEX pyrus.ix_tasks_close_date", "index ix_tasks_close_date on pyrus.tasks"),
    "partial index": ("DROP INDEX pyrus.uq_sync_errors_open", "index uq_sync_errors_open on pyrus.sync_errors"),
    "comment of a column": ("COMMENT ON COLUMN pyrus.tasks.text IS NULL", "comment of pyrus.tasks.text"),
    "comment of a table": ("COMMENT ON TABLE pyrus.tasks IS NULL", "comment of pyrus.tasks"),
    "default": ("ALTER TABLE pyrus.sync_runs ALTER requests DROP DEFAULT", "default of pyrus.sync_runs.requests"),
    "not null": ("ALTER TABLE pyrus.tasks ALTER asap DROP NOT NULL", "NOT NULL of pyrus.tasks.asap"),
    "foreign key": (
        "ALTER TABLE pyrus.notes DROP CONSTRAINT fk_notes_task_id",
        "constraint fk_notes_task_id on pyrus.notes",
    ),
    "primary key": ("ALTER TABLE pyrus.persons DROP CONSTRAINT pk_persons", "primary key of pyrus.persons"),
    "check": (
        "ALTER TABLE pyrus.report_settings DROP CONSTRAINT report_settings_has_one_row",
        "check report_settings_has_one_row on pyrus.report_settings",
    ),
    "view": ("DROP VIEW pyrus_report.task_notes CASCADE", "report pyrus_report.task_notes"),
    "wide view": ("DROP VIEW pyrus_report.form_purchase_request", "report pyrus_report.form_purchase_request"),
    "all reports": ("DROP SCHEMA pyrus_report CASCADE", "schema pyrus_report"),
    "row of settings": ("DELETE FROM pyrus.report_settings", "row of pyrus.report_settings"),
    "column": ("ALTER TABLE pyrus.tasks DROP COLUMN asap CASCADE", "column pyrus.tasks.asap"),
    "column that may be null": ("ALTER TABLE pyrus.persons DROP COLUMN email CASCADE", "column pyrus.persons.email"),
    "table of a task": ("DROP TABLE pyrus.notes CASCADE", "table pyrus.notes"),
    "shared table": ("DROP TABLE pyrus.persons CASCADE", "table pyrus.persons"),
    "bodies": ("DROP TABLE pyrus.raw_tasks CASCADE", "table pyrus.raw_tasks"),
    "tasks": ("DROP TABLE pyrus.tasks CASCADE", "table pyrus.tasks"),
    "runs": ("DROP TABLE pyrus.sync_runs CASCADE", "table pyrus.sync_runs"),
    "windows": ("DROP TABLE pyrus.sync_windows CASCADE", "table pyrus.sync_windows"),
    "lease": ("DROP TABLE pyrus.sync_leases CASCADE", "table pyrus.sync_leases"),
}


WITHOUT_ROWS = (
    *("index", "partial index", "comment of a column", "comment of a table", "default", "not null", "foreign key"),
    *("primary key", "check"),
)
"""Objects without rows are dropped together: one upgrade recreates all of them."""
CASES = [
    WITHOUT_ROWS,
    ("view", "wide view"),
    ("all reports", "row of settings"),
    ("column", "column that may be null"),
    ("table of a task", "shared table"),
    *((kind,) for kind in ("bodies", "tasks", "runs")),
    ("windows", "lease"),
]
"""Each upgrade compares all objects, so those that cannot hide each other are dropped together."""

CASES_ON_15 = [
    (*WITHOUT_ROWS, "view", "wide view"),
    ("all reports", "row of settings", "column", "column that may be null"),
    ("table of a task", "shared table", "bodies", "runs", "windows", "lease"),
    ("tasks",),
]
"""Which rows are lost does not depend on the version of PostgreSQL, so more objects are dropped together."""


@pytest.mark.parametrize("kinds", CASES, ids=", ".join)
def test_missing_objects_are_named_and_recreated_with_their_rows(
    synced: Secret, sandbox: Sandbox, query: Query, kinds: tuple[str, ...]
) -> None:
    assert_recreated(synced, sandbox, query, kinds)


@pytest.mark.parametrize("kinds", CASES_ON_15, ids=", ".join)
def test_the_same_on_postgresql_15(synced_15: Secret, sandbox: Sandbox, query: Query, kinds: tuple[str, ...]) -> None:
    assert_recreated(synced_15, sandbox, query, kinds)


@pytest.mark.parametrize("cases", [CASES, CASES_ON_15], ids=["18", "15"])
def test_every_kind_of_object_is_dropped_on_both_versions(cases: list[tuple[str, ...]]) -> None:
    assert sorted(kind for kinds in cases for kind in kinds) == sorted(MISSING)


def assert_recreated(database: Secret, sandbox: Sandbox, query: Query, kinds: tuple[str, ...]) -> None:
    """Drops objects of these kinds, upgrades, and syncs."""
    for kind in kinds:
        query(database, MISSING[kind][0])

    found = differences(database)
    for kind in kinds:
        assert any(MISSING[kind][1] in difference.text for difference in found), found
    assert {difference.remedy for difference in found} == {found[0].remedy}
    assert "db upgrade" in found[0].remedy

    upgrade(database)
    assert differences(database) == []
    sync(sandbox, database)
    assert_tables_equal_world(database, sandbox.world)


def test_the_commands_name_missing_objects(database: Secret, query: Query) -> None:
    query(database, "DROP INDEX pyrus.ix_tasks_close_date")
    before = program("db", "check", database=database)
    repaired = program("db", "upgrade", database=database)
    after = program("db", "check", database=database)

    assert (before.returncode, "run pyrus-etl db upgrade" in before.stderr) == (5, True)
    assert "index ix_tasks_close_date on pyrus.tasks" in before.stdout
    assert (repaired.returncode, "index ix_tasks_close_date on pyrus.tasks" in repaired.stdout) == (0, True)
    assert after.returncode == 0


@pytest.mark.parametrize(
    ("changing", "named"),
    [
        ("ALTER TABLE pyrus.sync_errors ALTER error TYPE varchar(9)", "type of pyrus.sync_errors.error"),
        ("ALTER TABLE pyrus.notes DROP COLUMN note_no CASCADE", "column pyrus.notes.note_no"),
        ("ALTER TABLE pyrus.notes ALTER task_id TYPE int", "type of pyrus.notes.task_id"),
    ],
)
def test_differences_that_cannot_be_repaired_are_named_with_a_remedy_that_works(
    database: Secret, query: Query, changing: str, named: str
) -> None:
    query(database, "DROP SCHEMA pyrus_report CASCADE")
    query(database, changing)
    assert any(named in found.text for found in differences(database))

    with pytest.raises(DatabaseUnavailable, match="db downgrade base --yes"):
        upgrade(database)
    assert program("db", "downgrade", "base", "--yes", database=database).returncode == 0
    upgrade(database)
    with Sandbox(World(3, tasks=20)) as sandbox:
        sync(sandbox, database)
        assert_tables_equal_world(database, sandbox.world)


@pytest.mark.parametrize(
    ("renaming", "back"),
    [
        ("ALTER TABLE pyrus.tasks RENAME TO elsewhere", "ALTER TABLE pyrus.elsewhere RENAME TO tasks"),
        ("ALTER TABLE pyrus.tasks RENAME text TO label", "ALTER TABLE pyrus.tasks RENAME label TO text"),
    ],
)
def test_renamed_objects_are_not_recreated_but_must_be_renamed_back(
    database: Secret, query: Query, renaming: str, back: str
) -> None:
    query(database, renaming)
    with pytest.raises(DatabaseUnavailable, match=r"seems to be renamed to .* rename it back"):
        upgrade(database)

    query(database, back)
    upgrade(database)
    assert differences(database) == []


def test_objects_of_users_are_left_alone(database: Secret, query: Query) -> None:
    query(database, "CREATE INDEX mine ON pyrus.tasks (due_date)")
    query(database, "CREATE VIEW pyrus.mine_too AS SELECT 1 AS one")
    assert differences(database) == []

    query(database, "CREATE TABLE pyrus.stray (id int)")
    query(database, "ALTER TABLE pyrus.tasks ADD COLUMN flavour text")
    upgrade(database)
    assert sorted(found.text for found in differences(database)) == [
        "not declared: column pyrus.tasks.flavour",
        "not declared: table pyrus.stray",
    ]
    assert "flavour" in program("db", "check", database=database).stdout


def test_a_copy_of_the_schema_without_its_rows_is_adopted(
    database: Secret, empty_database: Secret, query: Query
) -> None:
    dump = installed("pg_dump")
    copied = subprocess.run([dump, "-s", "-d", database.reveal()], capture_output=True, check=True)
    restored = b"\n".join(line for line in copied.stdout.splitlines() if not line.startswith(b"\\"))
    with psycopg.connect(empty_database.reveal(), autocommit=True) as connection:
        connection.execute(restored)

    with Sandbox(World(3, tasks=20)) as sandbox:
        result = program("sync", sandbox=sandbox, database=empty_database)
        assert (result.returncode, "has tables, but no revision" in result.stderr) == (5, True)
        assert "run pyrus-etl db upgrade" in result.stderr

        upgrade(empty_database)
        assert differences(empty_database) == []
        sync(sandbox, empty_database)
        assert_tables_equal_world(empty_database, sandbox.world)
        assert query(empty_database, "SELECT time_zone FROM pyrus_report.clock") == [("UTC",)]


TAKEN = {
    "tables": "CREATE SCHEMA pyrus; CREATE TABLE pyrus.tasks (id int, title text)",
    "revision of others": "CREATE SCHEMA pyrus; CREATE TABLE pyrus.alembic_version AS SELECT 'abc123' AS version_num",
    "other columns": "CREATE SCHEMA pyrus; CREATE TABLE pyrus.alembic_version AS SELECT 1 AS one",
    "a report": "CREATE SCHEMA pyrus_report; CREATE TABLE pyrus_report.clock (id int)",
    "a sequence": "CREATE SCHEMA pyrus_report; CREATE SEQUENCE pyrus_report.clock",
    "an index": "CREATE SCHEMA pyrus; CREATE TABLE pyrus.t (id int); CREATE INDEX tasks ON pyrus.t (id)",
    "a type": "CREATE SCHEMA pyrus; CREATE TYPE pyrus.tasks AS (id int)",
}


@pytest.mark.parametrize("taking", TAKEN.values(), ids=TAKEN)
def test_a_schema_of_others_is_named_and_left_alone(empty_database: Secret, query: Query, taking: str) -> None:
    query(empty_database, taking)
    for command in ("db upgrade", "status"):
        process = program(*command.split(), database=empty_database)

        assert (process.returncode, "Traceback" in process.stderr) == (5, False), process.stderr
    process = program("db", "upgrade", database=empty_database)
    assert "pyrus" in process.stderr or "clock" in process.stderr, process.stderr
    assert "run pyrus-etl db upgrade" not in process.stderr


@pytest.mark.parametrize("command", ["sync", "status", "db upgrade", "db check", "check", "db downgrade base --yes"])
def test_a_newer_database_asks_for_the_newer_program(database: Secret, query: Query, command: str) -> None:
    query(database, "UPDATE pyrus.alembic_version SET version_num = '9001'")
    with Sandbox(World(3, tasks=5)) as sandbox:
        process = program(*command.split(), sandbox=sandbox, database=database)
    output = process.stdout + process.stderr

    assert (process.returncode, "Traceback" in output) == (5, False), output
    assert f"newer than this program: it is at revision 9001, which this version ({REVISION}) does not know" in output
    assert "install the newer pyrus-etl that made it" in output
    assert "run pyrus-etl db upgrade" not in output


def test_any_current_revision_is_shown(database: Secret, query: Query) -> None:
    query(database, "UPDATE pyrus.alembic_version SET version_num = '9001'")

    assert program("db", "current", database=database).stdout == f"9001 (expected: {REVISION})\n"


def test_objects_of_users_with_names_of_ours_are_named_with_the_way_out(database: Secret, query: Query) -> None:
    """`db upgrade` and `db check` say the same of them, and the upgrade works when they are gone."""
    query(database, "DROP TABLE pyrus.file_copies, pyrus.task_links")
    query(database, "DROP INDEX pyrus.ix_service_files_task_id, pyrus.ix_tasks_create_date")
    query(database, "DROP VIEW pyrus_report.duplicate_files, pyrus_report.open_errors")
    query(database, "CREATE DOMAIN pyrus.task_links AS int")
    query(database, "CREATE SEQUENCE pyrus.file_copies")
    query(database, "CREATE SEQUENCE pyrus.ix_service_files_task_id")
    query(database, "CREATE TABLE pyrus.theirs (id int CONSTRAINT ix_tasks_create_date PRIMARY KEY)")
    query(database, "CREATE TYPE pyrus_report.duplicate_files AS ENUM ('a')")
    query(database, "CREATE TABLE pyrus_report.open_errors ()")
    query(database, "CREATE FUNCTION pyrus.tasks() RETURNS int LANGUAGE sql AS 'SELECT 1'")  # in nobody's way

    with pytest.raises(DatabaseUnavailable) as raised:
        upgrade(database)
    found = [each for each in differences(database) if not each.text.startswith(("missing", "not declared"))]
    query(database, "DROP DOMAIN pyrus.task_links")
    query(database, "DROP SEQUENCE pyrus.file_copies, pyrus.ix_service_files_task_id")
    query(database, "DROP TABLE pyrus.theirs")
    query(database, "DROP TYPE pyrus_report.duplicate_files")
    query(database, "DROP TABLE pyrus_report.open_errors")
    upgrade(database)

    texts = [
        "pyrus.file_copies is a sequence, and pyrus-etl needs a table of this name",
        "pyrus.ix_service_files_task_id is a sequence, and pyrus-etl needs an index of this name",
        "pyrus.ix_tasks_create_date is an index of theirs, and pyrus-etl needs an index of this name",
        "pyrus.task_links is a domain, and pyrus-etl needs a table of this name",
        "pyrus_report.duplicate_files is a type, and pyrus-etl needs a view of this name",
        "pyrus_report.open_errors is a table, and pyrus-etl needs a view of this name",
    ]
    remedy = "rename it, move it to another schema, or drop it, and pyrus-etl db upgrade creates ours"
    assert str(raised.value) == f"{'; '.join(texts)}; {remedy}."
    assert [(each.text, each.remedy) for each in found] == [(text, remedy) for text in texts]
    assert differences(database) == []


def test_a_new_report_never_gets_the_name_of_a_users_type(database: Secret, query: Query) -> None:
    query(database, "CREATE TYPE pyrus_report.form_purchase_request AS ENUM ('a')")
    query(database, "INSERT INTO pyrus.forms (form_id, name, seen_at) VALUES (7, 'Purchase request', now())")
    query(
        database, "INSERT INTO pyrus.form_fields (form_id, field_id, field_type, in_rows) VALUES (7, 1, 'Text', false)"
    )

    with connect(database) as connection:
        refresh(connection)

    assert query(database, "SELECT view_name FROM pyrus.report_views") == [("form_purchase_request_2",)]
