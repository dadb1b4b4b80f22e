"""The work that autovacuum would do too late or never: statistics for the reports, dead rows of the embedded server."""

from pathlib import Path

from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.embedded import serving
from pyrus_etl.postgres.upkeep import flush_statistics, outdated
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import program, sync
from tests.typing import Query

KNOWN = "SELECT reltuples::int FROM pg_class WHERE oid = 'pyrus.notes'::regclass"
GATHERED = "SELECT analyze_count FROM pg_stat_all_tables WHERE relid = 'pyrus.notes'::regclass"


def test_after_a_run_with_many_changes_the_planner_knows_the_tables(each_database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        sync(sandbox, each_database)

    assert query(each_database, KNOWN) == query(each_database, "SELECT count(*) FROM pyrus.notes")
    columns = query(each_database, "SELECT attname FROM pg_stats WHERE (schemaname, tablename) = ('pyrus', 'notes')")
    assert ("create_date",) in columns


def test_a_run_with_few_changes_gathers_no_statistics(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        sync(sandbox, database)
        sandbox.world.live(seconds=1, changes=2)
        assert sync(sandbox, database).counts.tasks_changed > 0

    assert query(database, GATHERED) == [(1,)]


def test_no_statistics_are_gathered_of_the_lease_though_it_changes_all_the_time(database: Secret) -> None:
    with connect(database) as connection:
        connection.execute("INSERT INTO pyrus.sync_leases SELECT 1, gen_random_uuid(), 'holder', now(), now()")
        for _ in range(60):
            connection.execute("UPDATE pyrus.sync_leases SET expires_at = clock_timestamp()")
        connection.execute("INSERT INTO pyrus.persons (person_id) SELECT generate_series(1, 60)")
        flush_statistics(connection)

        assert outdated(connection) == ["persons"]


def test_a_run_that_ends_early_leaves_statistics_too(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        result = program("backfill", "--max-requests", "50", sandbox=sandbox, database=database)

    assert "budget" in result.stderr
    assert query(database, KNOWN) == query(database, "SELECT count(*) FROM pyrus.notes")


def test_the_embedded_server_is_vacuumed_as_it_stops(tmp_path: Path) -> None:
    with serving(tmp_path / "postgresql") as url:
        upgrade(url)
        with connect(url) as connection:
            connection.execute("ALTER TABLE pyrus.persons SET (autovacuum_enabled = off)")  # autovacuum may come first
            connection.execute("INSERT INTO pyrus.persons (person_id) SELECT generate_series(1, 5000)")
            connection.execute("DELETE FROM pyrus.persons")
            flush_statistics(connection)
    with serving(tmp_path / "postgresql") as url, connect(url) as connection:
        found = connection.execute("SELECT vacuum_count, n_dead_tup FROM pg_stat_all_tables WHERE relname = 'persons'")

        assert found.fetchall() == [(1, 0)]
