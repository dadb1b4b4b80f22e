"""Partitions by hash of the task: every command works as before, and every row is where it was."""

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.access.grants import limit_reader
from pyrus_etl.reports.access.limited_tables import Given
from pyrus_etl.reports.upgrade.partition import tables
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.runs import program, reconcile, sync
from tests.typing import Query

PARTS = 4
COUNT = """
    SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE relnamespace = 'pyrus_partitions'::regnamespace AND relkind = 'r'
"""
FORM = "SELECT form_id FROM pyrus.tasks WHERE form_id IS NOT NULL LIMIT 1"
VIEWS = "SELECT count(*) FROM pg_views WHERE schemaname = 'pyrus_report'"
GRANTED = """
    SELECT has_table_privilege('reader', 'pyrus.notes', 'SELECT'),
        has_table_privilege('reader', 'pyrus_report.field_values', 'SELECT')
"""


def test_a_partitioned_database_goes_on_as_before(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=120), cap=40) as sandbox:
        sync(sandbox, database)
        assert program("reports", "refresh", database=database).returncode == 0
        assert program("reports", "materialize", "clock", database=database).returncode == 0
        query(database, "DROP ROLE IF EXISTS reader")
        query(database, "CREATE ROLE reader")
        before = query(database, VIEWS)
        with connect(database) as connection:
            limit_reader(connection, "reader", Given((query(database, FORM)[0][0],)), tables=True)
        few = query(database, "SELECT count(*) FROM pyrus_reader.tasks")
        query(database, "GRANT SELECT ON pyrus.notes TO reader")
        query(database, "GRANT SELECT ON pyrus_report.field_values TO reader")

        ended = program("db", "partition", "--into", str(PARTS), "--yes", database=database)
        assert ended.returncode == 0, ended.stderr
        assert query(database, COUNT) == [(PARTS * len(tables()),)]
        assert query(database, VIEWS) == before
        assert query(database, GRANTED) == [(True, True)]
        assert query(database, "SELECT count(*) FROM pyrus_reader.tasks") == few != [(120,)]
        assert_tables_equal_world(database, sandbox.world)

        sandbox.world.live(3600, changes=40)
        gone = sandbox.world.task_ids()[7]
        sandbox.world.delete(gone)
        sync(sandbox, database)
        assert reconcile(sandbox, database).counts.tasks_deleted == 1
        for command in ("db check", "db upgrade", "status", "reports refresh", "db rebuild", "db check"):
            ended = program(*command.split(), database=database)
            assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        again = program("db", "partition", "--yes", database=database)
        assert (again.returncode, "are partitioned already" in again.stderr) == (2, True)
        query(database, "DROP OWNED BY reader")
        query(database, "DROP ROLE reader")
