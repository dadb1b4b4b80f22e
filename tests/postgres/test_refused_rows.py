"""Rows that a user's trigger, constraint or policy refuses, with any error, cost only their task."""

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.runs import program
from tests.typing import Query

RAISING = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'not with us' USING ERRCODE = '{code}'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON pyrus.{table} FOR EACH {each} EXECUTE FUNCTION refuse();
"""
FOR_SOME = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.task_id = ANY ('{ids}') THEN {does}; END IF; RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON pyrus.{table} FOR EACH ROW EXECUTE FUNCTION refuse();
"""
LATE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.task_id = {bad} THEN RAISE 'not with us'; END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON pyrus.{table} DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse();
"""
CONSTRAINTS = {
    "check": "ALTER TABLE pyrus.tasks ADD CHECK (task_id <> {bad})",
    "check of bodies": "ALTER TABLE pyrus.raw_tasks ADD CHECK (task_id <> {bad})",
    "foreign key": """
        CREATE TABLE public.allowed (id bigint PRIMARY KEY);
        INSERT INTO public.allowed SELECT unnest('{good}'::bigint[]);
        ALTER TABLE pyrus.tasks ADD FOREIGN KEY (task_id) REFERENCES public.allowed
    """,
    "deferred": """
        CREATE TABLE public.allowed (id bigint PRIMARY KEY);
        INSERT INTO public.allowed SELECT unnest('{good}'::bigint[]);
        ALTER TABLE pyrus.tasks ADD FOREIGN KEY (task_id) REFERENCES public.allowed DEFERRABLE INITIALLY DEFERRED
    """,
    "domain": """
        DROP SCHEMA pyrus_report CASCADE; CREATE DOMAIN public.good AS bigint CHECK (value <> {bad});
        ALTER TABLE pyrus.raw_tasks ALTER COLUMN task_id TYPE public.good
    """,
    "generated": "ALTER TABLE pyrus.tasks ADD half bigint GENERATED ALWAYS AS (1 / (task_id - {bad})) STORED",
    "unique": """
        CREATE UNIQUE INDEX ON pyrus.raw_tasks ((CASE WHEN task_id IN ({bad}, 1) THEN 1 END));
        INSERT INTO pyrus.tasks (task_id, is_any_rejected, asap) VALUES (1, false, false);
        INSERT INTO pyrus.raw_tasks (task_id, payload, payload_sha256, fetched_at) VALUES (1, '{{}}', '', now())
    """,
}
OPEN = "SELECT task_id, stage, error FROM pyrus.sync_errors WHERE resolved_at IS NULL ORDER BY task_id"


@pytest.mark.parametrize(
    ("code", "table"),
    [
        *(("P0001", "tasks"), ("P0001", "notes"), ("ZZ001", "raw_tasks"), ("23505", "raw_tasks"), ("42601", "tasks")),
        *(("08006", "raw_tasks"), ("57P01", "notes"), ("40001", "raw_tasks"), ("53100", "tasks"), ("42501", "notes")),
    ],
)
def test_a_trigger_that_raises_any_code_costs_only_its_tasks(
    database: Secret, query: Query, code: str, table: str
) -> None:
    """Codes of lost connections, of passing faults, of a full disk: a trigger raised them, so they mean nothing."""
    with Sandbox(World(3, tasks=60)) as sandbox:
        with_notes = [each for each in sandbox.world.task_ids() if sandbox.world.body(each)]
        bad = [with_notes[5], with_notes[30]]
        does = f"RAISE EXCEPTION 'not with us' USING ERRCODE = '{code}'"
        query(database, FOR_SOME.format(ids=ids(bad), does=does, table=table))
        first = program("sync", sandbox=sandbox, database=database)

        assert (first.returncode, "Traceback" in first.stderr) == (6, False), first.stderr
        assert [(task_id, stage) for task_id, stage, _ in query(database, OPEN)] == [(each, "load") for each in bad]
        assert all("not with us" in str(error) and "refuse()" in str(error) for *_, error in query(database, OPEN))
        assert_tables_equal_world(database, sandbox.world, set_aside=bad)

        query(database, "DROP FUNCTION refuse() CASCADE")
        assert program("sync", sandbox=sandbox, database=database).returncode == 0
        assert_tables_equal_world(database, sandbox.world)


@pytest.mark.parametrize(
    "does",
    [
        "PERFORM 1 / 0",
        "INSERT INTO public.audit VALUES (NEW.task_id)",
        "PERFORM nobody_knows(NEW.task_id)",
        "EXECUTE 'SELECT FROM WHERE'",
        "ASSERT false, 'not with us'",
        "NEW.task_id := NULL",
    ],
)
def test_a_trigger_that_fails_by_itself_costs_its_tasks(database: Secret, query: Query, does: str) -> None:
    with Sandbox(World(3, tasks=20)) as sandbox:
        bad = sandbox.world.task_ids()[5]
        query(database, FOR_SOME.format(ids=ids([bad]), does=does, table="raw_tasks"))
        found = program("sync", sandbox=sandbox, database=database)

        assert (found.returncode, "Traceback" in found.stderr) == (6, False), found.stderr
        assert [task_id for task_id, *_ in query(database, OPEN)] == [bad]
        assert_tables_equal_world(database, sandbox.world, set_aside=[bad])


@pytest.mark.parametrize("table", ["tasks", "raw_tasks"])
def test_a_deferred_trigger_costs_its_task(database: Secret, query: Query, table: str) -> None:
    with Sandbox(World(3, tasks=20)) as sandbox:
        bad = sandbox.world.task_ids()[5]
        query(database, LATE.format(bad=bad, table=table))
        found = program("sync", sandbox=sandbox, database=database)

        assert (found.returncode, "Traceback" in found.stderr) == (6, False), found.stderr
        assert [task_id for task_id, *_ in query(database, OPEN)] == [bad]
        assert_tables_equal_world(database, sandbox.world, set_aside=[bad])


@pytest.mark.parametrize("refusing", CONSTRAINTS.values(), ids=CONSTRAINTS)
def test_a_constraint_that_refuses_a_row_costs_its_task(each_database: Secret, query: Query, refusing: str) -> None:
    with Sandbox(World(3, tasks=20)) as sandbox:
        bad = sandbox.world.task_ids()[5]
        good = ids([each for each in sandbox.world.task_ids() if each != bad])
        query(each_database, refusing.format(bad=bad, good=good))
        found = program("sync", sandbox=sandbox, database=each_database)

        assert (found.returncode, "Traceback" in found.stderr) == (6, False), found.stderr
        assert [(task_id, stage) for task_id, stage, _ in query(each_database, OPEN)] == [(bad, "load")]
        stored = "SELECT count(*) FROM pyrus.raw_tasks WHERE payload_sha256 <> ''"
        assert query(each_database, stored) == [(19,)]


@pytest.mark.parametrize(
    ("table", "each"),
    [
        *(("persons", "ROW"), ("inbox_tasks", "ROW"), ("sync_runs", "ROW"), ("sync_cursors", "ROW")),
        *(("sync_leases", "ROW"), ("sync_backfills", "ROW"), ("sync_windows", "ROW"), ("inbox_tasks", "STATEMENT")),
        *(("persons", "STATEMENT"), ("sync_runs", "STATEMENT"), ("sync_windows", "STATEMENT")),
    ],
)
def test_refused_rows_that_belong_to_no_task_are_named_and_end_the_run_with_5(
    database: Secret, query: Query, table: str, each: str
) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        query(database, RAISING.format(code="P0001", table=table, each=each))
        found = program("sync", sandbox=sandbox, database=database)

    assert (found.returncode, "Traceback" in found.stderr) == (5, False), found.stderr
    last = found.stderr.splitlines()[-1]
    assert f"pyrus.{table}" in last
    assert "refuse()" in last


def test_a_task_that_cannot_even_be_set_aside_ends_the_run_with_5(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=20)) as sandbox:
        query(database, f"ALTER TABLE pyrus.tasks ADD CHECK (task_id <> {sandbox.world.task_ids()[5]})")
        query(database, RAISING.format(code="P0001", table="sync_errors", each="ROW"))
        found = program("sync", sandbox=sandbox, database=database)

    assert (found.returncode, "Traceback" in found.stderr) == (5, False), found.stderr
    assert "pyrus.sync_errors" in found.stderr.splitlines()[-1]


def test_if_every_task_is_refused_the_tasks_are_not_blamed(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=150)) as sandbox:
        query(database, RAISING.format(code="P0001", table="raw_tasks", each="ROW"))
        found = program("sync", sandbox=sandbox, database=database)

        assert found.returncode == 5, found.stderr
        assert "refuse()" in found.stderr.splitlines()[-1]

        query(database, "DROP FUNCTION refuse() CASCADE")
        assert program("sync", sandbox=sandbox, database=database).returncode == 0
        assert_tables_equal_world(database, sandbox.world)


def ids(task_ids: list[int]) -> str:
    """An array as PostgreSQL writes it."""
    return "{" + ",".join(map(str, task_ids)) + "}"
